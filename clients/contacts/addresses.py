"""Mail addresses that bounced or whose owner complained, as seen at the people who have them."""

from datetime import datetime

from django.db import transaction
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from clients.contacts.models import Affiliation, ContactEmail
from crm.core.notifications.models import Notification


@transaction.atomic
def mark_address(*, address: str, is_refused: bool, detail: str = "", now: datetime) -> int:
    """Mark or unmark an address wherever it stands; the account managers of its people's clients are told when it is refused.

    How many rows changed. Called by the kernel, which has no acting user when a provider reports.
    """
    rows = ContactEmail.objects.alias(folded=Lower("address")).filter(folded=address.lower())
    changed = list(rows.filter(refused_at__isnull=is_refused).select_related("contact"))
    ContactEmail.objects.filter(pk__in=[row.pk for row in changed]).update(refused_at=now if is_refused else None)
    if is_refused:
        for row in changed:
            _tell(row, now)
    return len(changed)


def _tell(row: ContactEmail, now: datetime) -> None:
    places = Affiliation.objects.current().filter(contact=row.contact, client__archived_at__isnull=True)
    text = _("Mail to %(name)s comes back: %(address)s") % {"name": row.contact.name, "address": row.address}
    Notification.objects.bulk_create(
        [
            Notification(
                user_id=place.client.owner_id,
                client_id=place.client_id,
                kind="address-refused",
                text=text[:300],
                url=row.contact.get_absolute_url(),
                key=f"address-refused:{row.pk}:{place.client_id}:{now.isoformat()}",
            )
            for place in places.select_related("client")
        ],
        ignore_conflicts=True,
    )
