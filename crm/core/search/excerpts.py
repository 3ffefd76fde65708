"""What was found, with the words marked by which it was found."""

import re
import unicodedata
from collections.abc import Sequence

AROUND = 60  # characters before the first word
LENGTH = 160
READ = 50_000
Parts = list[tuple[str, bool]]


def _plain(letter: int) -> str:
    """The letter without its accent, if that leaves exactly one."""
    kept = [c for c in unicodedata.normalize("NFKD", chr(letter)) if not unicodedata.combining(c)]
    return kept[0] if len(kept) == 1 else chr(letter)


PLAIN = {letter: _plain(letter) for letter in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00))}
PLAIN |= {ord(letter): plain for letter, plain in zip("ŁłØøĐđıİ", "LlOoDdiI", strict=True)}


def marked(text: str, words: Sequence[str]) -> Parts:
    """The text in parts, each with whether it is one of the words. Case and accents do not matter."""
    found = _pattern(words)
    folded = _folded(text)
    if found is None or len(folded) != len(text):
        return [(text, False)] if text else []
    parts, end = [], 0
    for match in found.finditer(folded):
        parts += [(text[end : match.start()], False), (text[match.start() : match.end()], True)]
        end = match.end()
    return [part for part in [*parts, (text[end:], False)] if part[0]]


def excerpt(text: str, words: Sequence[str]) -> Parts:
    """A line of the text around the first of the words, in parts."""
    line = " ".join(re.sub(r"[*_#>`|]+", " ", text[:READ]).split())
    found, folded = _pattern(words), _folded(line)
    match = found.search(folded) if found is not None and len(folded) == len(line) else None
    start = max(0, match.start() - AROUND) if match else 0
    if start:
        start = line.find(" ", start, match.start() if match else start) + 1 or start
    cut = line[start : start + LENGTH]
    if start + LENGTH < len(line):
        cut = f"{cut.rpartition(' ')[0] or cut} …"
    return marked(f"… {cut}" if start else cut, words)


def _folded(text: str) -> str:
    return text.translate(PLAIN).lower()


def _pattern(words: Sequence[str]) -> re.Pattern[str] | None:
    """The beginnings of words; of what stands elsewhere too, words of three letters."""
    each = [(re.escape(_folded(word)), len(word) >= 3) for word in words if any(c.isalnum() for c in word)]
    return re.compile("|".join(word if is_long else rf"(?<!\w){word}" for word, is_long in each)) if each else None
