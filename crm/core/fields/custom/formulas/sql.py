"""The pieces of SQL that formulas are made of. Each gives NULL, “no value”, where it has no answer; none can fail."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import BooleanField, Case, DateField, DecimalField, F, Func, TextField, Value, When
from django.db.models.functions import TruncDate

NUMBER: Any = DecimalField()
DAY: Any = DateField()
TEXT: Any = TextField()
YES_NO: Any = BooleanField()
MOST = Decimal(10) ** 15  # what is larger has no value
MOST_DAYS = 4_000_000
LONGEST = 500
_DAYS_31, _DAYS_30 = "(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])", "(0[469]|11)-(0[1-9]|[12][0-9]|30)"
_LEAP = "([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29"
DAY_SHAPE = f"^(?!0000)([0-9]{{4}}-({_DAYS_31}|{_DAYS_30}|02-(0[1-9]|1[0-9]|2[0-8]))|{_LEAP})$"


def sql(template: str, *parts: Any, field: Any, between: str = ", ") -> Func:
    """An expression of the template, in which %(expressions)s are the parts."""
    return Func(*parts, template=template, arg_joiner=between, output_field=field)


def infix(sign: str, left: Any, right: Any, field: Any) -> Func:
    return sql("(%(expressions)s)", left, right, field=field, between=f" {sign} ")


def pair(sign: str, parts: list[Any], field: Any) -> Func:
    left, right = parts
    return infix(sign, left, right, field)


# Values


def number(value: Any) -> Func:
    """A number of the formula, or a column of numbers, as numeric: 7 / 2 is 3.5."""
    return sql("(%(expressions)s)::numeric", Value(value) if isinstance(value, Decimal) else value, field=NUMBER)


def text(value: str) -> Func:
    return sql("(%(expressions)s)::text", Value(value), field=TEXT)


def day(value: date) -> Func:
    return sql("(%(expressions)s)::date", Value(value), field=DAY)


def truth(value: bool) -> Func:
    return sql("TRUE" if value else "FALSE", field=YES_NO)


def named(names: dict[str, str], key: Any) -> Func:
    """The name of a key."""
    return infix("->>", sql("(%(expressions)s)::jsonb", Value(json.dumps(names)), field=TEXT), key, TEXT)


def truth_of(value: Any) -> Func:
    """A column of yes and no as a condition, which a bare one is not."""
    return sql("(%(expressions)s)", value, field=YES_NO)


def filled(value: Any) -> Func:
    """A column of texts, of which empty ones are no value."""
    return sql("NULLIF((%(expressions)s)::text, '')", value, field=TEXT)


def day_of(moment: Any, zone: Any) -> Any:
    return TruncDate(moment, tzinfo=zone)


# Kept by a custom field: a value of another type is none


def kept_number(key: str) -> Func:
    return _kept(key, "number", "numeric", NUMBER)


def kept_truth(key: str) -> Func:
    return _kept(key, "boolean", "boolean", YES_NO)


def kept_text(key: str) -> Func:
    return _kept(key, "string", "text", TEXT)


def _kept(key: str, kind: str, to: str, field: Any) -> Func:
    found = f"(%(expressions)s ->> '{key}')::{to}"
    template = f"CASE WHEN jsonb_typeof(%(expressions)s -> '{key}') = '{kind}' THEN {found} END"
    return sql(template, F("custom"), field=field)


def kept_day(key: str) -> Func:
    here = f"(%(expressions)s ->> '{key}')"
    return sql(f"CASE WHEN {here} ~ '{DAY_SHAPE}' THEN {here}::date END", F("custom"), field=DAY)


def kept_among(key: str, value: str) -> Func:
    """Whether one of several choices is `value`."""
    here = sql(f"(%(expressions)s -> '{key}')", F("custom"), field=TEXT)
    return infix("?", here, text(value), YES_NO)


def kept_given(key: str) -> Func:
    """Something, where anything was chosen."""
    return sql(f"(%(expressions)s ->> '{key}')", F("custom"), field=TEXT)


# Results: within what Python and the pages can hold. Each part is written once, or SQL would double with each level.


def within(value: Any, least: str, most: str, field: Any) -> Func:
    """The value, or no value beyond the limits. GREATEST ignores NULL, so that no value becomes a limit, and none again."""
    template = f"NULLIF(NULLIF(LEAST(GREATEST(%(expressions)s, {least}), {most}), {most}), {least})"
    return sql(template, value, field=field)


def bounded(value: Any, places: int) -> Func:
    return sql(
        f"round(%(expressions)s, {places})",
        within(value, f"-{MOST}::numeric", f"{MOST}::numeric", NUMBER),
        field=NUMBER,
    )


def bounded_day(value: Any) -> Func:
    return within(value, "'0001-01-01'::date", "'9999-12-31'::date", DAY)


def moved(sign: str, value: Any, days: Any) -> Func:
    """The day plus or minus a number of days. Counted in whole numbers from the first day, for PostgreSQL refuses a day before its
    calendar or after it before anything can bound it."""
    first, last = "'0001-01-01'::date", "'9999-12-31'::date"
    most = f"{MOST_DAYS}::numeric"
    by = sql("(%(expressions)s)::integer", within(days, f"-{most}", most, NUMBER), field=NUMBER)
    place = infix(sign, sql(f"(%(expressions)s - {first})", value, field=NUMBER), by, NUMBER)
    return sql(f"({first} + %(expressions)s)", within(place, "0", f"({last} - {first})", NUMBER), field=DAY)


def chosen(condition: Any, then: Any, other: Any, field: Any) -> Case:
    return Case(When(condition, then=then), default=other, output_field=field)
