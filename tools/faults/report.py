"""The table for people."""

from tools.faults.run import Outcome
from tools.faults.verdict import Count

COLUMNS = (
    ("faults", "faults"),
    ("attempted", "attempted"),
    ("received", "received"),
    ("lost", "lost"),
    ("duplicated", "duplicated"),
    ("undecided", "undecided"),
    ("dead", "dead"),
    ("resent", "sent again"),
    ("unexpected", "unexpected"),
    ("recovered", "recovered"),
    ("recovery_max", "recovery max s"),
    ("slowest", "slowest mail s"),
)


def table(outcome: Outcome) -> str:
    rows = [("kind", *(title for _name, title in COLUMNS))]
    rows += [_row(name, count) for name, count in sorted(outcome.verdict.kinds.items())]
    rows.append(_row("all", outcome.verdict.total()))
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    lines = ["| " + " | ".join(_cell(word, widths, n) for n, word in enumerate(row)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 1) + (":" if n else "-") for n, width in enumerate(widths)) + "|")
    return "\n".join(lines)


def _row(name: str, count: Count) -> tuple[str, ...]:
    return (name, *(_figure(count, column) for column, _title in COLUMNS))


def _figure(count: Count, column: str) -> str:
    value = getattr(count, column)
    if column == "recovered":
        return f"{value} of {value + count.not_recovered}"
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def _cell(word: str, widths: list[int], column: int) -> str:
    return word.rjust(widths[column]) if column else word.ljust(widths[column])
