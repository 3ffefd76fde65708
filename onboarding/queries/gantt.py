"""Geometry of the Gantt chart: bars, links and weeks in SVG units; the template only renders them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from math import ceil
from typing import Any

from crm.core.firm.calendar import WorkingCalendar

ROW, TOP, BAR = 26, 30, 14
MAX_WEEKS = 12  # labelled weeks; with more, every second, third … week
HEAD = 46  # width that a week's header needs


@dataclass(frozen=True)
class Bar:
    title: str
    tone: str  # client, firm, done, late, blocked
    start: date
    end: date
    x: float
    y: int
    width: float
    label_y: int
    url: str = ""


@dataclass
class Gantt:
    width: int
    label_width: int
    height: int
    bars: list[Bar] = field(default_factory=list)
    links: list[str] = field(default_factory=list)  # SVG path data
    weeks: list[dict[str, Any]] = field(default_factory=list)  # {x, label, text_x}
    off_days: list[dict[str, float]] = field(default_factory=list)  # {x, width}: days the firm does not work
    today_x: float | None = None
    bar_height: int = BAR
    top: int = TOP


@dataclass(frozen=True)
class Span:
    """One row of the chart: `after` is the pk of the row where an arrow starts."""

    pk: int
    title: str
    tone: str
    start: date
    end: date
    after: int | None = None
    url: str = ""


def spans(tasks: Sequence[Any], dates: dict[int, date], kickoff: date, calendar: WorkingCalendar, tone) -> list[Span]:
    """From the day the task may begin (kickoff, or the working day after its predecessor is due) to its due date."""
    rows = []
    for task in tasks:
        end = dates.get(task.pk)
        if end is None:
            continue
        before = dates.get(task.after_id)
        start = calendar.on_or_after(before + timedelta(days=1)) if before else calendar.on_or_after(kickoff)
        rows.append(Span(task.pk, task.title, tone(task), min(start, end), end, task.after_id))
    return rows


def draw(
    rows: Sequence[Span],
    *,
    width: int,
    label_width: int,
    calendar: WorkingCalendar,
    today: date | None = None,
    week_label,
) -> Gantt:
    """`week_label(number, monday)` returns a week's header."""
    height = TOP + ROW * len(rows) + 4
    chart = Gantt(width, label_width, height)
    if not rows:
        return chart
    first = min(row.start for row in rows)
    first -= timedelta(days=first.weekday())
    last = max(row.end for row in rows)
    days = max(7, -(-((last - first).days + 1) // 7) * 7)
    unit = (width - label_width) / days

    def x(day):
        return round(label_width + (day - first).days * unit, 2)

    chart.weeks = _weeks(first, days, x, unit, week_label)
    chart.off_days = _off_days(first, days, x, unit, calendar)
    ends = {}
    for n, row in enumerate(rows):
        y = TOP + ROW * n + (ROW - BAR) // 2
        bar_width = round(max(((row.end - row.start).days + 1) * unit - 1, 3), 2)
        chart.bars.append(
            Bar(row.title, row.tone, row.start, row.end, x(row.start), y, bar_width, y + BAR - 3, row.url)
        )
        ends[row.pk] = (x(row.start), x(row.start) + bar_width, y + BAR // 2)
    for row in rows:
        if row.after in ends:
            chart.links.append(_link(ends[row.after], ends[row.pk]))
    if today and first <= today < first + timedelta(days=days):
        chart.today_x = round(x(today) + unit / 2, 2)
    return chart


def _weeks(first, days, x, unit, week_label):
    count = days // 7
    step = max(-(-count // MAX_WEEKS), ceil(HEAD / (7 * unit)))
    return [
        {
            "x": x(first + timedelta(weeks=n)),
            "text_x": x(first + timedelta(weeks=n)) + 3,
            "label": week_label(n + 1, first + timedelta(weeks=n)),
        }
        for n in range(0, count, step)
    ]


def _off_days(first, days, x, unit, calendar):
    if days > 26 * 7:
        return []  # too fine to see
    every = (first + timedelta(days=n) for n in range(days))
    return [{"x": x(day), "width": round(unit, 2)} for day in every if not calendar.is_working(day)]


def _link(before, after):
    _, x1, y1 = before
    x2, _, y2 = after
    turn = round(min(x1 + 4, max(x1, x2 - 2)) if x2 >= x1 else x1 + 4, 2)
    return f"M{x1} {y1}H{turn}V{y2}H{x2}"
