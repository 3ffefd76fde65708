"""QuerySets of kernel rows behind the gate."""

from django.db import models

from crm.core.base import gate


class OwnedQuerySet(models.QuerySet):
    """Kernel rows of a user that may concern a client."""

    def visible_to(self, principal):
        return self.filter(gate.rows_of(principal, addressee="user"))


class PersonalQuerySet(models.QuerySet):
    """Rows of one user alone; those about a client only while the user may see it."""

    def visible_to(self, principal):
        return self.filter(gate.rows_of(principal, addressee="user"), user=principal.user)
