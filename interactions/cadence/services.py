"""How often a client wants to hear from us."""

from django.db import transaction
from django.utils.translation import gettext as _

from clients.records.models import Client
from crm.core.base.errors import ServiceError
from crm.core.base.principals import Principal
from interactions.cadence.models import Cadence


@transaction.atomic
def set_cadence(principal: Principal, *, client: Client, days: int | None) -> Cadence | None:
    """Contact at least every `days` days; None: as the firm's number for the tier says. Raises ServiceError (field days)."""
    if days is None:
        Cadence.objects.filter(client=client).delete()
        return None
    if not 1 <= days <= 3650:
        raise ServiceError(_("Give a number of days from 1 to 3650."), field="days")
    return Cadence.objects.update_or_create(client=client, defaults={"days": days})[0]
