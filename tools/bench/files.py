"""The files that the bench imports: of each kind as many rows as wanted, the same for the same number."""

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

PEOPLE = 20
FIRST = ("North", "South", "Blue", "Green", "Fjord", "Amber", "Copper", "Juniper", "Stone", "River", "Cloud", "Iron")
SECOND = ("Silver", "Maple", "Cedar", "Ocean", "Harbour", "Summit", "Valley", "Meadow", "Bridge", "Garden", "Lake")
THIRD = ("Consulting", "Advisory", "Partners", "Works", "Labs", "Foods", "Logistics", "Energy", "Design", "Systems")
PLACES = (
    ("Berlin", "10115", "Berlin", "Germany"),
    ("Helsinki", "00100", "Uusimaa", "Finland"),
    ("Paris", "75001", "Île-de-France", "France"),
    ("Zürich", "8001", "Zürich", "Switzerland"),
    ("London", "EC1A 1BB", "Greater London", "United Kingdom"),
)
CLIENTS = (
    *("ID", "Company", "Status", "Since", "Account owner", "Class", "Tags", "Email", "Phone", "Language"),
    *("Street", "Zip", "City", "State", "Country", "Sector", "Website", "Lead source", "Goals", "Description"),
)
INTERACTIONS = ("Activity ID", "Customer ID", "Date", "Channel", "Subject", "Summary", "Duration", "Author")
REVENUE = ("Line ID", "Customer ID", "Date", "Amount", "Currency", "Kind", "Reference", "Note")
DAY = date(2024, 1, 1)


def colleague(number: int) -> tuple[str, str]:
    """Name and address."""
    return f"{FIRST[number % len(FIRST)]}a {SECOND[number % len(SECOND)]}son", f"colleague{number}@bench.example"


def _client(number: int, pick: Random) -> list[str]:
    city, code, region, country = pick.choice(PLACES)
    return [
        f"A-{number:07}",
        f"{pick.choice(FIRST)} {pick.choice(SECOND)} {pick.choice(THIRD)} {number}",
        pick.choice(("Active", "Prospect", "Active")),
        (DAY - timedelta(days=pick.randrange(2500))).isoformat(),
        colleague(pick.randrange(PEOPLE))[0],
        pick.choice("ABC"),
        pick.choice(("key", "key; export", "", "newsletter")),
        f"office@company{number}.example",
        f"+49 30 {1_000_000 + number}",
        pick.choice(("en", "de", "fi")),
        f"Main Street {number % 977}",
        code,
        city,
        region,
        country,
        pick.choice(("Retail", "Industry", "Energy", "Legal")),
        f"https://www.company{number}.example/about",
        pick.choice(("Web", "Fair", "Referral")),
        f"Grow by {number % 40} percent within the next year",
        f"Met at the fair in {2000 + number % 25}; wants a review every year.",
    ]


def _interaction(number: int, pick: Random) -> list[str]:
    return [
        f"I-{number:08}",
        f"A-{pick.randrange(_clients_of(number)):07}",
        (DAY + timedelta(days=pick.randrange(700))).isoformat() + f" {pick.randrange(8, 18):02}:30",
        pick.choice(("Call", "Email", "Meeting")),
        f"Review {number}",
        f"Went through the figures of month {number % 12 + 1} and agreed on what comes next.",
        str(pick.randrange(5, 90)),
        colleague(0)[0],
    ]


def _line(number: int, pick: Random) -> list[str]:
    return [
        f"R-{number:08}",
        f"A-{pick.randrange(_clients_of(number)):07}",
        (DAY + timedelta(days=pick.randrange(700))).isoformat(),
        f"{pick.randrange(50, 9000)}.{pick.randrange(100):02}",
        "EUR",
        "Fee",
        f"INV-{number:08}",
        f"Advice, hour {number % 8 + 1}",
    ]


def _clients_of(number: int) -> int:
    """How many clients the rows up to this one are about, at least."""
    return max(1, number // 20)


def _clients_for(rows: int) -> list[tuple[str, int]]:
    return [("clients", max(1, rows // 10))]


@dataclass(frozen=True)
class File:
    """`needs(rows)`: [(kind, number of rows)] that must be there before."""

    header: tuple[str, ...]
    row: Callable[[int, Random], list[str]]
    needs: Callable[[int], list[tuple[str, int]]] = lambda rows: []


FILES = {
    "clients": File(CLIENTS, _client),
    "interactions": File(INTERACTIONS, _interaction, _clients_for),
    "revenue": File(REVENUE, _line, _clients_for),
}


def rows_of(kind: str, rows: int) -> bytes:
    """A CSV with a header and so many rows."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(FILES[kind].header)
    writer.writerows(_made(FILES[kind], rows))
    return out.getvalue().encode()


def _made(file: File, rows: int) -> Iterator[list[str]]:
    pick = Random(20)
    return (file.row(number, pick) for number in range(rows))
