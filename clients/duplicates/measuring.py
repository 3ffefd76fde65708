"""Precision and recall on a file whose duplicates are known: the ids `rec-7-org` and `rec-7-dup-0` are one person (Febrl)."""

import csv
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from clients.duplicates.finding import folded, likely
from clients.duplicates.scoring import Details


@dataclass(frozen=True)
class Measured:
    records: int
    pairs: int
    found: int
    right: int

    @property
    def precision(self) -> float:
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.pairs if self.pairs else 1.0


def read_known(path: Path) -> list[Details]:
    """Names and addresses of a Febrl file; neither its dates of birth nor its numbers, which no client has."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = [{(k or "").strip(): (v or "").strip() for k, v in row.items()} for row in csv.DictReader(file)]
    return [
        Details(
            pk=row["rec_id"],
            parts=(folded(row["given_name"]), folded(row["surname"])),
            street=folded(" ".join([row["street_number"], row["address_1"], row["address_2"]])),
            postal_code=row["postcode"],
            city=folded(row["suburb"]),
        )
        for row in rows
    ]


def measure(path: Path) -> Measured:
    details = read_known(path)
    of: dict[str, list[str]] = {}
    for one in details:
        of.setdefault(one.pk.rsplit("-", 2 if "-dup-" in one.pk else 1)[0], []).append(one.pk)
    true = {frozenset(pair) for pks in of.values() for pair in combinations(pks, 2)}
    found = {frozenset((one.pk, other.pk)) for one, other, _likeness in likely(details)}
    return Measured(len(details), len(true), len(found), len(found & true))
