"""Reads about cover: who covers for whom now, and who covered when something was done."""

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import DateTimeField, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Cast, JSONObject, TruncDate

from clients.cover.models import Cover
from crm.core.firm.queries import firm_zone


def covered_by(principal: Any) -> QuerySet:
    """The covers that the principal gives now."""
    return Cover.objects.none() if principal.user is None else principal.viewer.covers.running_now()


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


def was_covering(user: str, owner: str, moment: str) -> Exists:
    """Whether the colleague in one column covered at a moment for the one in another, as an annotation."""
    day = TruncDate(Cast(OuterRef(moment), DateTimeField()), tzinfo=firm_zone())
    then = Q(ended_at__isnull=True) | Q(ended_at__gt=OuterRef(moment))
    rows = Cover.objects.filter(then, covering=OuterRef(user), absent=OuterRef(owner))
    return Exists(rows.filter(start_date__lte=day, end_date__gt=day))


def covering(absent: str, day: Any) -> QuerySet:
    """Who covers on a day (a date or an expression) for the colleague in a column: the one for whom it was arranged first. A subquery of
    an id.
    """
    rows = Cover.objects.running(day).able().filter(absent=OuterRef(absent))
    return rows.order_by("created_at", "pk").values("covering")[:1]
