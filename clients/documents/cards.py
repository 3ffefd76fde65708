"""Documents on the page of an engagement."""

from django.utils.translation import gettext_lazy as _

from clients.documents.models import Document
from clients.documents.queries import describe, shown
from clients.engagements.cards import list_card
from clients.registry import EngagementTab, engagement_tabs
from crm.core.firm.queries import firm_today

engagement_tabs.register(EngagementTab("documents", _("Documents"), 20))


@list_card(
    "documents",
    "documents",
    20,
    "clients/documents/engagement_rows.html",
    title=_("Documents"),
    empty=_("No documents yet."),
    all_of_them="clients:documents",
    add="clients:client_documents",
    add_text=_("Upload"),
    add_to="#upload",
    shown=50,
    describe=lambda found, now: describe(found, firm_today(now)),
)
def engagement_documents(principal, engagement, now):
    rows = Document.objects.visible_to(principal).kept().filter(engagement=engagement.pk)
    return shown(rows).order_by("-uploaded_at", "-pk")
