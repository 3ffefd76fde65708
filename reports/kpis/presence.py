"""When clients were active, for many dates in one statement.

The dates are sorted into a list of boundaries; a client's activity becomes a bit mask over them; clients with the same
mask are counted together; every period of a series is two bits of the mask. One pass over status periods (or revenue
lines) answers a whole chart.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import OuterRef, Q

from clients.records.choices import ACTIVE_STATUSES
from clients.revenue.models import RevenueLine
from reports.periods import Period

MOST_BOUNDARIES = 62  # bits of a bigint

# bits of the boundaries t with start_date <= t < end_date
COVERED = """(1::bigint << width_bucket(coalesce(end_date, DATE 'infinity') - 1, %(days)s::date[]))
    - (1::bigint << width_bucket(start_date - 1, %(days)s::date[]))"""

BY_STATUS = f"""
    SELECT client_id, bit_or({COVERED}) AS mask
    FROM clients_statusperiod JOIN scope ON scope.id = client_id
    WHERE status = ANY(%(statuses)s) GROUP BY client_id"""
FREE_ONLY = f"""
    SELECT client_id, bit_or(mask) FILTER (WHERE is_free) & ~coalesce(bit_or(mask) FILTER (WHERE NOT is_free), 0) AS mask
    FROM (SELECT client_id, is_free, {COVERED} AS mask FROM clients_contract JOIN scope ON scope.id = client_id
        WHERE clients_contract.archived_at IS NULL) AS contract
    GROUP BY client_id HAVING bool_or(is_free)"""
# an amount without a rate is also above 0
BY_REVENUE = """
    SELECT client_id, bit_or(1::bigint << (width_bucket(date, %(days)s::date[]) - 1)) AS mask
    FROM (
        SELECT client_id, date FROM clients_revenueline WHERE amount_firm > 0 AND date >= %(first)s AND date < %(last)s
        UNION ALL
        SELECT client_id, date FROM clients_revenueline WHERE rate IS NULL AND amount > 0 AND date >= %(first)s AND date < %(last)s
    ) AS booked JOIN scope ON scope.id = client_id GROUP BY client_id"""
PAIRS = """
    WITH scope AS MATERIALIZED ({scope}), masks AS ({masks}), grouped AS (SELECT mask, count(*) AS n FROM masks GROUP BY mask)
    SELECT pair.i, coalesce(sum(n) FILTER (WHERE mask & first <> 0), 0)::bigint,
           coalesce(sum(n) FILTER (WHERE mask & first <> 0 AND mask & second <> 0), 0)::bigint
    FROM unnest(%(numbers)s::int[], %(firsts)s::bigint[], %(seconds)s::bigint[]) AS pair(i, first, second) LEFT JOIN grouped ON true
    GROUP BY pair.i ORDER BY pair.i"""
COUNTS = """
    WITH scope AS MATERIALIZED ({scope}), masks AS ({masks}), free AS ({free})
    SELECT masks.mask & ~coalesce(free.mask, 0) AS mask, count(*)
    FROM masks LEFT JOIN free USING (client_id) GROUP BY 1"""
SUMS = """
    WITH scope AS MATERIALIZED ({scope})
    SELECT width_bucket(date, %(days)s::date[]), coalesce(sum(amount_firm), 0), count(*) FILTER (WHERE amount_firm IS NULL)
    FROM clients_revenueline JOIN scope ON scope.id = client_id
    WHERE date >= %(first)s AND date < %(last)s GROUP BY 1"""


def pairs_by_status(clients, periods: list[Period]) -> list[tuple[int, int]]:
    """For each period (active at its start, active at both ends)."""
    days = _boundaries(day for period in periods for day in (period.start, period.end))
    bit = {day: 1 << index for index, day in enumerate(days)}
    firsts, seconds = [bit[p.start] for p in periods], [bit[p.end] for p in periods]
    return _pairs(clients, BY_STATUS, firsts, seconds, {"days": days, "statuses": list(ACTIVE_STATUSES)})


def pairs_by_revenue(clients, periods: list[Period]) -> list[tuple[int, int]]:
    """For each period (clients with revenue in the period before it, those of them with revenue in it)."""
    before = [period.preceding() for period in periods]
    days = _boundaries(day for period in (*periods, *before) for day in (period.start, period.end))
    place = {day: index for index, day in enumerate(days)}

    def bits(period):  # a line of bucket i lies in [days[i], days[i + 1])
        return (1 << place[period.end]) - (1 << place[period.start])

    values = {"days": days, "first": days[0], "last": days[-1]}
    return _pairs(clients, BY_REVENUE, [bits(p) for p in before], [bits(p) for p in periods], values)


def booked_in(period: Period):
    """Revenue lines that make a client active in the period on the basis of revenue; for Exists, on the outer `pk`."""
    is_revenue = Q(amount_firm__gt=0) | Q(rate__isnull=True, amount__gt=0)
    return RevenueLine.objects.between(period.start, period.end).filter(is_revenue, client=OuterRef("pk"))


def earning_in(clients, periods: list[Period]) -> list[int]:
    """How many clients have revenue in each period."""
    days = _boundaries(day for period in periods for day in (period.start, period.end))
    place = {day: index for index, day in enumerate(days)}
    bits = [(1 << place[period.end]) - (1 << place[period.start]) for period in periods]
    values = {"days": days, "first": days[0], "last": days[-1]}
    return [n for n, _both in _pairs(clients, BY_REVENUE, bits, bits, values)]


def paying_at(clients, days: Iterable[date]) -> dict[date, int]:
    """Active clients at each date, without those whose contracts in force are all free."""
    found: dict[date, int] = {}
    for some in in_masks(days):
        found |= _paying_at(clients, some)
    return found


def in_masks(days: Iterable[date]) -> list[list[date]]:
    """The sorted dates, in groups that fit one mask."""
    ordered = sorted(set(days))
    return [ordered[at : at + MOST_BOUNDARIES] for at in range(0, len(ordered), MOST_BOUNDARIES)]


def _paying_at(clients, days: list[date]) -> dict[date, int]:
    days = _boundaries(days)
    rows = _rows(clients, COUNTS, {"days": days, "statuses": list(ACTIVE_STATUSES)}, masks=BY_STATUS, free=FREE_ONLY)
    return {day: sum(n for mask, n in rows if mask >> index & 1) for index, day in enumerate(days)}


def revenue_in(clients, periods: list[Period]) -> list[tuple[Any, int]]:
    """For each period (revenue booked in the firm's currency, lines left out because they have no rate)."""
    days = _boundaries(day for period in periods for day in (period.start, period.end))
    rows = _rows(clients, SUMS, {"days": days, "first": days[0], "last": days[-1]})
    sums = {bucket: (total, without) for bucket, total, without in rows}
    place = {day: index for index, day in enumerate(days)}
    return [
        _added(sums[bucket + 1] for bucket in range(place[p.start], place[p.end]) if bucket + 1 in sums)
        for p in periods
    ]


def _added(pairs: Iterable[tuple[Any, int]]) -> tuple[Any, int]:
    totals, counts = tuple(zip(*pairs, strict=True)) or ((), ())
    return sum(totals), sum(counts)


def _boundaries(days: Iterable[date]) -> list[date]:
    found = sorted(set(days))
    if len(found) > MOST_BOUNDARIES:
        raise ValueError(f"{len(found)} dates are more than the {MOST_BOUNDARIES} that one statement answers.")
    return found


def _pairs(clients, masks, firsts, seconds, values):
    values |= {"numbers": list(range(len(firsts))), "firsts": firsts, "seconds": seconds}
    rows = _rows(clients, PAIRS, values, masks=masks)
    return [(int(n), int(both)) for _i, n, both in rows] or [(0, 0)] * len(firsts)


def _rows(clients, template, values, **parts):
    try:
        scope, parameters = clients.order_by().values("id").query.sql_with_params()
    except EmptyResultSet:
        return []
    # the scope's parameters are positional; they get names so that both work in one statement
    names = [f"scope_{index}" for index in range(len(parameters))]
    scope = scope % tuple(f"%({name})s" for name in names)
    with connection.cursor() as cursor:
        cursor.execute(template.format(scope=scope, **parts), values | dict(zip(names, parameters, strict=True)))
        return cursor.fetchall()
