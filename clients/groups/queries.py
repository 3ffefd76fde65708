"""Groups of clients: a parent and all that is below it, of what the principal may see, with sums.

The walk goes through visible clients alone: what is below a client out of sight is not reached, so that nothing tells of it.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import Case, DecimalField, F, Func, JSONField, QuerySet, TextField, When
from django.db.models.expressions import Combinable, RawSQL
from django.db.models.functions import Cast, Coalesce

from clients.records.models import Client
from clients.revenue.queries import monthly_of, without_rate_of

MEMBERS_AT_MOST = 1000
MONEY = DecimalField(max_digits=16, decimal_places=2)
CUT = 0  # in place of a parent that is not among them

WALK = """
WITH RECURSIVE seen (id, parent_id) AS NOT MATERIALIZED ({visible}),
part (id) AS (
    SELECT id FROM seen WHERE id = %s
    UNION
    SELECT seen.id FROM part JOIN seen ON seen.parent_id = part.id
)
SELECT id FROM part
"""  # UNION, not UNION ALL: a cycle ends

# {root: revenue of its group}, of every parent among the visible clients: for each row of a list this is looked up, so it is made once for a
# statement. UNION counts a client of a group once; “IS NOT NULL” tells PostgreSQL that few have a parent.
SUMS = """
(WITH RECURSIVE seen (id, parent_id) AS NOT MATERIALIZED ({visible}),
part (root, id) AS (
    SELECT seen.parent_id, seen.id FROM seen
    WHERE seen.parent_id IS NOT NULL AND seen.parent_id IN (SELECT id FROM seen){only}
    UNION
    SELECT part.root, seen.id FROM part JOIN seen ON seen.parent_id = part.id
)
SELECT jsonb_object_agg(root, total) FROM (
    SELECT root, sum(revenue_12m) AS total FROM (SELECT root, id FROM part UNION SELECT root, root FROM part) AS members
    JOIN clients_clientfacts ON client_id = id GROUP BY root
) AS sums)
"""


def group_revenue(principal: Any) -> Combinable:
    """The revenue of twelve months of a client with all its subsidiaries that the principal sees, as an annotation; in the firm's currency."""
    own = F("facts__revenue_12m")
    sums = _sums(principal)
    if sums is None:
        return own
    known = Func(
        sums, Cast("pk", TextField()), template="(%(expressions)s)", arg_joiner=" ->> ", output_field=TextField()
    )
    return Coalesce(Cast(known, MONEY), own, output_field=MONEY)


def add_group_revenue(principal: Any, clients: list[Any]) -> None:
    """Set `group_revenue` on these clients of a list, whose `facts` are loaded; one statement."""
    sums = _sums(principal, [client.pk for client in clients])
    found = Client.objects.none() if sums is None or not clients else Client.objects.filter(pk=clients[0].pk)
    known = next(iter(found.values_list(sums, flat=True)), None) or {}
    for client in clients:
        total = known.get(str(client.pk))
        client.group_revenue = client.facts.revenue_12m if total is None else Decimal(str(total))


def _sums(principal: Any, roots: list[int] | None = None) -> RawSQL | None:
    """None for a principal who sees no client."""
    try:
        sql, params = _visible(principal).query.sql_with_params()
    except EmptyResultSet:
        return None
    only, given = ("", ()) if roots is None else (" AND seen.parent_id = ANY(%s)", (roots,))
    # what is put in is a compiled statement with its parameters
    return RawSQL(SUMS.format(visible=sql, only=only), (*params, *given), output_field=JSONField())  # nosec B611


def _visible(principal: Any) -> QuerySet:
    rows = Client.objects.visible_to(principal).filter(archived_at__isnull=True)
    return rows.order_by().values_list("id", "parent_id")


def in_group(rows: QuerySet, principal: Any, root_id: int) -> QuerySet:
    """The clients among `rows` that belong to the group of this client: itself and every level below."""
    try:
        sql, params = _visible(principal).query.sql_with_params()
    except EmptyResultSet:
        return rows.none()
    # what is put in is a compiled statement with its parameters
    return rows.filter(pk__in=RawSQL(WALK.format(visible=sql), (*params, root_id)))  # nosec B611


@dataclass(frozen=True)
class Member:
    """A client of the group: `level` 0 is the parent."""

    client: Client
    level: int


@dataclass(frozen=True)
class Group:
    """The members from the top down, each followed by what is below it, and the sums of all, in the firm's currency."""

    members: list[Member]
    revenue: Decimal
    unrated: int
    monthly: Decimal
    monthly_unrated: int
    follow_ups: int
    last_contact_at: datetime | None
    is_cut: bool = False

    @property
    def n(self) -> int:
        return len(self.members)


def group_of(principal: Any, root_id: int, today: date) -> Group:
    """The group of a client that the principal sees, in one statement. Each client has `monthly`, the value per month of its contracts in
    force, and `monthly_unrated`, how many of them have no rate. Of more than 1,000 clients itself and the first by name, with `is_cut`.
    """
    rows = in_group(Client.objects.select_related("facts", "owner"), principal, root_id)
    rows = rows.annotate(monthly=monthly_of("pk", today), monthly_unrated=without_rate_of("pk", today))
    root_first = Case(When(pk=root_id, then=0), default=1)
    found = list(rows.order_by(root_first, "name_key", "pk")[: MEMBERS_AT_MOST + 1])
    return _summed(list(_in_order(found[:MEMBERS_AT_MOST], root_id)), is_cut=len(found) > MEMBERS_AT_MOST)


def _in_order(clients: list[Any], root_id: int) -> Iterator[Member]:
    """From the top down; those whose parent was cut off stand at the end, on the first level."""
    below, known = defaultdict(list), {client.pk for client in clients}
    for client in clients:
        above = client.parent_id if client.parent_id in known else CUT
        below[None if client.pk == root_id else above].append(client)
    waiting = [Member(client, 1) for client in reversed(below[CUT])] + [Member(client, 0) for client in below[None]]
    while waiting:
        member = waiting.pop()
        yield member
        waiting += [Member(client, member.level + 1) for client in reversed(below.pop(member.client.pk, []))]


def _summed(members: list[Member], *, is_cut: bool) -> Group:
    rows: list[Any] = [member.client for member in members]
    contacts = [row.facts.last_contact_at for row in rows if row.facts.last_contact_at]
    return Group(
        members=members,
        revenue=sum((row.facts.revenue_12m for row in rows), Decimal(0)),
        unrated=sum(row.facts.unrated_12m for row in rows),
        monthly=sum((row.monthly for row in rows), Decimal(0)),
        monthly_unrated=sum(row.monthly_unrated for row in rows),
        follow_ups=sum(row.facts.open_follow_ups for row in rows),
        last_contact_at=max(contacts, default=None),
        is_cut=is_cut,
    )
