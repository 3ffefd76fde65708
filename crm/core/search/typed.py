"""What somebody typed into the search, read once for all sources."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

LONGEST, WORDS, LONGEST_WORD = 100, 6, 60
FEWEST_DIGITS = 5  # of what may be a phone number
PART = 3  # letters that a trigram index needs
TEXT = 2  # letters from which texts are searched
SIMILAR = 4  # letters from which similar names say something


class Shape(NamedTuple):
    """What the statement depends on; the texts themselves are its parameters. `is_part`: of an address, perhaps; `is_address`: with something
    before the @."""

    words: int = 0
    said: int = 0
    is_part: bool = False
    has_at: bool = False
    is_address: bool = False
    is_number: bool = False
    short: tuple[bool, ...] = ()


@dataclass(frozen=True)
class Typed:
    """`text` without needless spaces, at most 100 characters; `words` are its first six. `said`: those of them that have a letter or a
    digit, by which texts are searched. `more`: what a source reads from the text, such as a phone number with its country."""

    text: str = ""
    words: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    digits: str = ""
    shape: Shape = Shape()
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_worth_texts(self) -> bool:
        """Whether texts are searched: nearly every one has a word that begins with a given letter."""
        return any(len(word) >= TEXT for word in self.said)

    @property
    def is_worth_similar(self) -> bool:
        """Whether it may be a mistyped name: long enough, and neither a number nor an address."""
        is_name = not any(c.isnumeric() or c == "@" for c in self.text)
        return is_name and sum(c.isalpha() for c in self.text) >= SIMILAR

    def given(self) -> dict[str, str]:
        """The parameters of the statement, by name."""
        words = {f"word{n}": word for n, word in enumerate(self.words)}
        said = {f"said{n}": word for n, word in enumerate(self.said)}
        first = {"inside": f" {self.words[0]}"} if self.words else {}
        return {"text": self.text, "digits": self.digits, **words, **said, **first, **self.more}

    @property
    def inside(self) -> str:
        """The first word as it stands inside a text: after a space."""
        return self.more["inside"]


def read(text: str) -> Typed:
    text = " ".join(text.replace("\0", " ")[: LONGEST * 4].split())[:LONGEST].strip()
    words = tuple(word[:LONGEST_WORD] for word in text.split()[:WORDS])
    said = tuple(word for word in words if any(c.isalnum() for c in word))
    digits = "".join(c for c in text if c.isdecimal() and c.isascii())[:20]
    is_number = len(digits) >= FEWEST_DIGITS and not any(c.isalpha() for c in text)
    shorts = tuple(len(word) < PART for word in words)
    is_part = len(words) == 1 and len(text) >= PART
    shape = Shape(len(words), len(said), is_part, "@" in text, is_part and "@" in text[1:], is_number, shorts)
    return Typed(text, words, said, digits, shape)


def filled(shape: Shape, given: Mapping[str, str]) -> Typed:
    """The same from the parameters of a statement."""
    words = tuple(given[f"word{n}"] for n in range(shape.words))
    said = tuple(given[f"said{n}"] for n in range(shape.said))
    return Typed(given["text"], words, said, given["digits"], shape, given)
