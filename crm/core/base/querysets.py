"""QuerySets of kernel rows behind the gate."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import models
from django.db.models import IntegerField, Q, Subquery

from crm.core.base import gate


class CountOf(Subquery):
    """The row count of a queryset, as a subquery of another statement."""

    template = "(SELECT count(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()

    def __init__(self, rows):
        super().__init__(rows.values("pk"))


@dataclass(frozen=True)
class Held:
    """Rows that hold from a day up to, not including, another, which may be open: the rule for the database and for a row that is loaded."""

    first: str
    until: str

    def q(self, day: Any) -> Q:
        still = Q(**{f"{self.until}__isnull": True}) | Q(**{f"{self.until}__gt": day})
        return Q(**{f"{self.first}__lte": day}) & still

    def holds(self, row: Any, day: date) -> bool:
        until = getattr(row, self.until)
        return getattr(row, self.first) <= day and (until is None or until > day)


class OwnedQuerySet(models.QuerySet):
    """Kernel rows of a user that may concern a client."""

    def visible_to(self, principal):
        return self.filter(gate.rows_of(principal, self.model))


class PersonalQuerySet(models.QuerySet):
    """Rows of one user or contact only; a user sees rows about a client only while they may see the client."""

    def own(self, principal):
        return self.filter(gate.own(principal))

    def visible_to(self, principal):
        rows = self.own(principal)
        return rows.filter(gate.rows_of(principal, self.model)) if principal.user is not None else rows
