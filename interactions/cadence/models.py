from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clients.records.models import Client
from crm.core.base.models import tracked


@tracked
class Cadence(models.Model):
    """ "Contact at least every N days" for one client; without a row the firm's number for the client's tier applies."""

    client = models.OneToOneField(Client, models.CASCADE, related_name="cadence")
    days = models.PositiveSmallIntegerField(_("contact at least every (days)"), validators=[MinValueValidator(1)])

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(days__gte=1), name="cadence_at_least_a_day")]
