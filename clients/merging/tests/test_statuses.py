"""The status history of two clients that are one."""

from datetime import date

import pytest

from clients.merging.statuses import united
from clients.records.services.statuses import Span

TODAY = date(2026, 11, 20)


def span(start, status, end=None):
    return Span(date.fromisoformat(start), end and date.fromisoformat(end), status)


def told(spans):
    return [(each.start.isoformat(), each.status) for each in spans]


@pytest.mark.parametrize(
    ("kept", "away", "found"),
    [
        ([("2024-01-01", "active")], [("2020-05-01", "active")], [("2020-05-01", "active")]),
        ([("2020-05-01", "active")], [("2024-01-01", "active")], [("2020-05-01", "active")]),
        ([("2026-01-01", "prospect")], [("2020-05-01", "active")], [("2020-05-01", "active")]),
        (
            [("2020-01-01", "active", "2022-01-01"), ("2022-01-01", "former")],
            [("2023-01-01", "prospect", "2024-01-01"), ("2024-01-01", "active")],
            [("2020-01-01", "active"), ("2022-01-01", "former"), ("2024-01-01", "active")],
        ),
        (
            [("2024-01-01", "active")],
            [("2020-01-01", "active", "2022-01-01"), ("2022-01-01", "former")],
            [("2020-01-01", "active"), ("2022-01-01", "former"), ("2024-01-01", "active")],
        ),
        # what is planned for the one that counts today
        (
            [("2024-01-01", "active", "2027-01-01"), ("2027-01-01", "former")],
            [("2023-01-01", "active")],
            [("2023-01-01", "active"), ("2027-01-01", "former")],
        ),
        (
            [("2026-01-01", "prospect")],
            [("2023-01-01", "active", "2027-01-01"), ("2027-01-01", "former")],
            [("2023-01-01", "active"), ("2027-01-01", "former")],
        ),
        (
            [("2026-01-01", "prospect")],
            [("2025-01-01", "former")],
            [("2025-01-01", "former"), ("2026-01-01", "prospect")],
        ),
    ],
)
def test_united(kept, away, found):
    def spans(rows):
        return [span(start, status, *end) for start, status, *end in rows]

    made = united(spans(kept), spans(away), TODAY)
    assert told(made) == found
    assert all(earlier.end == later.start for earlier, later in zip(made, made[1:], strict=False))
    assert made[-1].end is None
