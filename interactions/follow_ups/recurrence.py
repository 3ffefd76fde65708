"""Repeating follow-ups: RFC 5545 rules (without DTSTART) over the firm's working days."""

from datetime import date, datetime, time

from dateutil.rrule import rrulestr
from django.utils.translation import gettext as _

from crm.core.base.errors import ServiceError
from crm.core.base.reading import whole_number
from crm.core.firm.calendar import WorkingCalendar

FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
SHORTEST_MONTH = 28


def normalise(rule: str, start: date) -> str:
    """The rule with its anchor added (such as the weekday of a weekly rule), so that moving one occurrence off a holiday does
    not move the later ones. "" stays "". Raises ServiceError (field rrule)."""
    if not rule.strip():
        return ""
    parts = _parts(rule)
    frequency = parts["FREQ"]
    if frequency == "WEEKLY" and "BYDAY" not in parts:
        parts["BYDAY"] = DAYS[start.weekday()]
    if frequency == "YEARLY" and "BYMONTH" not in parts:
        parts["BYMONTH"] = str(start.month)
    if frequency in ("MONTHLY", "YEARLY") and "BYMONTHDAY" not in parts and "BYDAY" not in parts:
        parts |= _month_day(start.day)
    rule = _text(parts)
    if len(rule) > 200:
        raise ServiceError(_("This rule is too long."), field="rrule")
    try:
        next(iter(rrulestr(rule, dtstart=datetime.combine(start, time()))), None)
    except (ValueError, TypeError, AttributeError) as error:
        raise ServiceError(_("This rule does not say when it repeats."), field="rrule") from error
    return rule


def following(rule: str, *, after: date, start: date, calendar: WorkingCalendar) -> tuple[date, str] | None:
    """(date, remaining rule) of the next occurrence after `after`, moved to a working day; None when the rule has ended."""
    parts = _parts(rule)
    left = int(parts.get("COUNT", 0) or 0)
    if left == 1:
        return None
    if left:
        del parts["COUNT"]
    found = rrulestr(_text(parts), dtstart=datetime.combine(start, time())).after(datetime.combine(after, time()))
    if found is None:
        return None
    if left:
        parts["COUNT"] = str(left - 1)
    return calendar.on_or_after(found.date()), _text(parts)


def _month_day(day: int) -> dict[str, str]:
    if day <= SHORTEST_MONTH:
        return {"BYMONTHDAY": str(day)}
    return {"BYMONTHDAY": ",".join(str(n) for n in range(SHORTEST_MONTH, day + 1)), "BYSETPOS": "-1"}


def _parts(rule: str) -> dict[str, str]:
    text = rule.strip().upper().removeprefix("RRULE:")
    parts = dict(pair.split("=", 1) for pair in text.split(";") if "=" in pair)
    count, interval = whole_number(parts.get("COUNT", "1")), whole_number(parts.get("INTERVAL", "1"))
    if parts.get("FREQ") not in FREQUENCIES or len(text.split()) != 1 or count is None or interval is None:
        raise ServiceError(_("Repeat daily, weekly, monthly or yearly, such as FREQ=WEEKLY."), field="rrule")
    if interval < 1 or count < 1:
        raise ServiceError(_("The number in the rule must be at least 1."), field="rrule")
    return parts


def _text(parts: dict[str, str]) -> str:
    return ";".join(f"{name}={value}" for name, value in parts.items())
