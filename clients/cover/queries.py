"""Reads about cover: who covers for whom now, and who covered when something was done."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BigIntegerField, Case, DateTimeField, Exists, F, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Cast, Coalesce, JSONObject, TruncDate
from django.utils.translation import gettext as _

from clients.cover.models import Cover
from clients.records.models import Client
from crm.core.base.arrays import Within
from crm.core.firm.queries import firm_zone
from crm.core.notifications.notices import Reader
from crm.core.users.models import User


def covered_by(principal: Any) -> QuerySet:
    """The covers that the principal gives now."""
    return Cover.objects.none() if principal.user is None else principal.viewer.covers.running_now()


def in_care_q(principal: Any, owner: str = "owner") -> Q:
    """The condition that the colleague in this column is the principal, or somebody for whom the principal covers now. It stands beside the
    gate, which says what of it the principal may see.
    """
    if principal.user is None:
        return Q(pk__in=[])
    return Q(**{owner: principal.viewer}) | Q(Within(owner, covered_by(principal).values("absent")))


def say_for_whom(principal: Any, rows: Iterable[Any], owner: Callable[[Any], User]) -> None:
    """Set `for_whom` on rows of `in_care_q`: “for Marta Kallio” where the colleague that `owner(row)` gives is away, else ""."""
    for row in rows:
        colleague = owner(row)
        is_own = colleague.pk == principal.user_id
        row.for_whom = "" if is_own else _("for %(name)s") % {"name": colleague.name}


def covers_of(owner: str) -> ArraySubquery:
    """Who covers now for the colleague in this column: [{"id", "name", "until"}], as an annotation."""
    rows = Cover.objects.running_now().able().filter(absent=OuterRef(owner)).order_by("end_date", "pk")
    return ArraySubquery(rows.values(of=JSONObject(id="covering_id", name="covering__name", until="end_date")))


def covered_owners(principal: Any) -> set[int]:
    """The colleagues for whom the principal covers now."""
    return set(covered_by(principal).values_list("absent", flat=True))


def is_covered(principal: Any, owner: str) -> Exists:
    """Whether the principal covers now for the colleague in this column, as an annotation."""
    return Exists(covered_by(principal).filter(absent=OuterRef(owner)))


def is_covering(principal: Any, client: Any) -> bool:
    """Whether the principal sees this client in place of its account manager. A list that asks for each row sets `is_covered` on its
    clients, from `covered_owners`.
    """
    if client.is_restricted or not principal.is_user:
        return False
    known = client.__dict__.get("is_covered")
    return covered_by(principal).filter(absent=client.owner_id).exists() if known is None else known


def was_covering(user: str, client: str, moment: str) -> Exists:
    """Whether the colleague in one column covered at a moment for the account manager of the client in another, as an annotation: no if the
    client has another account manager now, or was restricted.
    """
    day = TruncDate(Cast(OuterRef(moment), DateTimeField()), tzinfo=firm_zone())
    then = Q(ended_at__isnull=True) | Q(ended_at__gt=OuterRef(moment))
    rows = Cover.objects.filter(then, covering=OuterRef(user), absent=OuterRef(f"{client}__owner"))
    rows = rows.filter(start_date__lte=day, end_date__gt=day, created_at__lte=OuterRef(moment))
    return Exists(rows.alias(client_then=_as_it_was(client, moment)).filter(client_then=F("absent")))


def _as_it_was(client: str, moment: str) -> Coalesce:
    """The account manager of a client at a moment, -1 if it was restricted: of its last version before, else of its first."""
    events: Any = Client.pgh_event_model  # type: ignore[attr-defined]
    versions = events.objects.filter(pgh_obj=OuterRef(OuterRef(client)))
    owner = Case(When(is_restricted=True, then=-1), default=F("owner_id"), output_field=BigIntegerField())
    before = versions.filter(pgh_created_at__lt=OuterRef(OuterRef(moment))).order_by("-pgh_id")
    return Coalesce(*(Subquery(rows.values_list(owner)[:1]) for rows in (before, versions.order_by("pgh_id"))))


def covering(absent: str, day: Any) -> QuerySet:
    """Who covers on a day (a date or an expression) for the colleague in a column: the one for whom it was arranged first. A subquery of
    an id.
    """
    rows = Cover.objects.running(day).able().filter(absent=OuterRef(absent))
    return rows.order_by("created_at", "pk").values("covering")[:1]


def covering_where_seen(owner: str, day: Any, *, also: Q | None = None, client: str = "client__") -> Case:
    """Who covers on a day for the account manager in a column, only where the gate lets them see the client as such: not one that is
    restricted. `also` is what the row itself asks for, as that its engagement is open to all. An expression of an id.
    """
    seen = Q(**{f"{client}is_restricted": False}) & (also or Q())
    instead = Subquery(covering(owner, day), output_field=BigIntegerField())
    return Case(When(seen, then=instead), output_field=BigIntegerField())


def with_covering(rows: QuerySet, day: Any, *, also: Q | None = None) -> QuerySet:
    """Annotate `covering_id` for `readers_of`: rows of clients, whose account manager may be away on the firm's day."""
    return rows.annotate(covering_id=covering_where_seen("client__owner", day, also=also))


def readers_of(row: Any) -> list[Reader]:
    """Whom a notice about a client's row is for: its account manager, and who covers for them, by `with_covering`. Of several, the one
    for whom it was arranged first, as with reminders.
    """
    owner = row.client.owner
    found = [Reader(owner.pk)]
    if row.covering_id is not None:
        found.append(Reader(row.covering_id, _("for %(name)s") % {"name": owner.name}))
    return found
