"""What the “Agreed” tab of a client shows."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from interactions.agreements.choices import CommitmentState
from interactions.agreements.models import Commitment, Decision

PAGE_AT_MOST = 200


def page(principal, client, now) -> dict[str, Any]:
    decisions = (
        Decision.objects.visible_to(principal)
        .filter(client=client)
        .select_related("author", "author_contact", "contact", "interaction")
    )
    promises = Commitment.objects.visible_to(principal).filter(client=client).select_related("owner", "contact")
    rows = list(promises.order_by("due_date", "pk")[:PAGE_AT_MOST])
    return {
        "decisions": list(decisions[:PAGE_AT_MOST]),
        "open_promises": [row for row in rows if row.state == CommitmentState.OPEN],
        "settled_promises": [row for row in rows if row.state != CommitmentState.OPEN],
        "settle_words": [
            (CommitmentState.KEPT, _("Kept")),
            (CommitmentState.BROKEN, _("Broken")),
            (CommitmentState.WITHDRAWN, _("Withdrawn")),
        ],
        "day": timezone.localtime(now).date(),
    }
