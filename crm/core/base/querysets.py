"""QuerySets of kernel rows behind the gate."""

from django.db import models
from django.db.models import IntegerField, Subquery

from crm.core.base import gate


class CountOf(Subquery):
    """The row count of a queryset, as a subquery of another statement."""

    template = "(SELECT count(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()

    def __init__(self, rows):
        super().__init__(rows.values("pk"))


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
