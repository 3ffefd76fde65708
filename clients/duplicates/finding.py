"""Which records of a set may be the same: only those that share a key are compared.

One pass over all rows: an index helps to find a few rows, not to compare every row with the others. A key that many records share
(`MOST`) says nothing and is left out, so the number of pairs grows with the records, not with their square.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import combinations

from clients.duplicates.scoring import LIKELY, Details, Likeness, likeness

MOST = 12  # records of one key
_BETWEEN = re.compile("[^a-z0-9]+")
OFTEN = {"mail": 20, "phone": 20}


@lru_cache(maxsize=8192)
def folded(text: str) -> str:
    """Lower case without accents and punctuation, single spaces."""
    if text.isascii():
        return _BETWEEN.sub(" ", text.lower()).strip()
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    return " ".join(kept.split())


def keys(one: Details) -> Iterator[tuple[str, str]]:
    """Details that two records of the same firm or person are likely to share, also with a typo in one of them."""
    yield from (("mail", mail) for mail in one.mails)
    yield from (("phone", phone) for phone in one.phones)
    yield from (("domain", domain) for domain in one.domains)
    words = sorted(filter(None, one.parts)) if one.parts else one.name.split()
    compact = "".join(words)
    if one.parts:
        yield "name", " ".join(words)
        yield "starts", "|".join(word[:3] for word in words)
        yield from (("word", word) for word in words if len(word) > 4)
    elif compact:
        yield "name", " ".join(sorted(words))
        yield "start", compact[:6]
        yield "end", compact[-6:]
        yield from (("word", word) for word in words if len(word) > 4)
    street = re.sub(r"\W", "", one.street)
    if street:
        yield "street", street[:9]
        yield "streets_end", street[-9:]
        yield "place", f"{one.postal_code}|{street[:3]}"
    if one.postal_code and words:
        yield from (("near", f"{one.postal_code}|{word[:2]}") for word in words)


def pairs(details: list[Details]) -> Iterator[tuple[Details, Details]]:
    """Pairs that share a key, each once."""
    blocks: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, one in enumerate(details):
        for key in set(keys(one)):
            blocks[key].append(place)
    seen: set[int] = set()
    for (kind, _text), block in blocks.items():
        if 1 < len(block) <= OFTEN.get(kind, MOST):
            for a, b in combinations(block, 2):
                number = a * len(details) + b
                if number not in seen:
                    seen.add(number)
                    yield details[a], details[b]


def likely(details: Iterable[Details], least: int = LIKELY) -> Iterator[tuple[Details, Details, Likeness]]:
    """Pairs that are probably the same, with their score."""
    for one, other in pairs(list(details)):
        found = likeness(one, other)
        if found.score >= least:
            yield one, other, found
