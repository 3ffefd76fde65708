"""Documents on the page of an engagement."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from clients.documents.models import Document
from clients.documents.queries import describe, shown
from clients.registry import EngagementTab, engagement_panel, engagement_tabs
from crm.core.firm.queries import firm_today

ON_CARD = 50

engagement_tabs.register(EngagementTab("documents", _("Documents"), 20))


@engagement_panel("documents", "documents", 20, "clients/documents/engagement_card.html")
def engagement_documents(principal, engagement, now) -> dict[str, Any]:
    """The newest."""
    rows = Document.objects.visible_to(principal).kept().filter(engagement=engagement.pk)
    found = list(shown(rows).order_by("-uploaded_at", "-pk")[: ON_CARD + 1])
    describe(found, firm_today(now))
    tab = reverse("clients:client_documents", args=[engagement.client_id])
    return {
        "found": found[:ON_CARD],
        "has_more": len(found) > ON_CARD,
        "add_url": f"{tab}?engagement={engagement.pk}#upload",
        "all_url": f"{tab}?engagement={engagement.pk}",
    }
