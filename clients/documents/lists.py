"""The lists of documents: one client's, and the firm's; what is done with several at once, and what the API filters by."""

from functools import partial

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from clients.cover.filters import InCare, in_care
from clients.documents.choices import Expiry
from clients.documents.fields import DOCUMENT_FIELDS
from clients.documents.models import Document
from clients.documents.queries import describe, shown
from clients.documents.services import archive_document, restore_document, set_document_shared
from clients.page.queries import load_client
from clients.records.queries import matching
from crm.core.firm.queries import firm_today
from crm.core.listing import filters
from crm.core.listing.pages import ListPage, View
from crm.core.listing.paging import Sort
from crm.core.listing.selection import Action, actions, outside_trash, trash_actions
from crm.core.users.models import User


class DocumentFilters(InCare, filters.TrashFilters):
    catalogue = DOCUMENT_FIELDS
    q = filters.Search(method="search", label=_("title"))
    expiry = filters.Choice(
        choices=Expiry.choices, method="by_expiry", label=_("Expiry"), empty_label=_("Any expiry"), chip=_("Expiry:")
    )
    owner = filters.PersonId(
        "client__owner",
        label=_("Account manager"),
        chip=_("Account manager is"),
        named=User,
        offers=lambda found: filters.people(found, User.objects.active()),
        any_label=_("Any account manager"),
    )
    in_care = in_care("client__owner")

    def search(self, rows, name, value):
        return matching(rows, value)

    def by_expiry(self, rows, name, value):
        if value == Expiry.SOON:
            return rows.expiring(firm_today(self.now))
        if value == Expiry.EXPIRED:
            return rows.expired(firm_today(self.now))
        return rows.filter(expiry_date__isnull=value == Expiry.NONE)


def _mark(principal, row, values, now, *, is_shared: bool):
    set_document_shared(principal, document=row, is_shared=is_shared)


ACTIONS = (
    actions.register(
        Action(
            "documents.share",
            _("May be shared"),
            Document,
            partial(_mark, is_shared=True),
            partial(_mark, is_shared=False),
            "eye",
            fits=outside_trash,
        )
    ),
    actions.register(
        Action(
            "documents.unshare",
            _("Internal only"),
            Document,
            partial(_mark, is_shared=False),
            partial(_mark, is_shared=True),
            "eye-slash",
            fits=outside_trash,
        )
    ),
    *trash_actions("documents", Document, "document", archive_document, restore_document),
)
VIEWS = (
    View(_("All")),
    View(_("Expiring soon"), {"expiry": Expiry.SOON}),
    View(_("Expired"), {"expiry": Expiry.EXPIRED}),
    View(_("May be shared"), {"shared": "1"}),
    View(_("Archived"), {"archived": "1"}),
)
BY_DATE = {Expiry.SOON: "expiry_date", Expiry.DATED: "expiry_date", Expiry.EXPIRED: "-expiry_date"}
WORDS = {
    "client": _("Client"),
    "kind": _("Kind"),
    "uploaded": _("Uploaded"),
    "shared": _("May be shared with the client"),
}
FILE_COLUMNS = (
    DOCUMENT_FIELDS["note"].in_list(is_in_file_only=True),
    DOCUMENT_FIELDS["is_shared"].in_list(is_in_file_only=True),
    DOCUMENT_FIELDS["file_name"].in_list(is_in_file_only=True),
    DOCUMENT_FIELDS["size"].in_list(is_in_file_only=True),
    DOCUMENT_FIELDS["number"].in_list(is_in_file_only=True),
    DOCUMENT_FIELDS["uploaded_by"].in_list(is_in_file_only=True),
)
ALIKE = {
    "title": _("Documents"),
    "template": "clients/documents/list.html",
    "select": shown,
    "decorate": lambda rows, listing: describe(rows, firm_today(listing.now)),
    "filters": DocumentFilters,
    "views": VIEWS,
    "default_sort": lambda values: BY_DATE.get(values.get("expiry"), "newest"),
    "sorts": {"newest": Sort("uploaded_at", descending=True)},
    "search_label": _("Search documents"),
    "search_hint": _("Search titles"),
    "words": WORDS,
    "noun": lambda n, text: ngettext("%(n)s document", "%(n)s documents", n) % {"n": text},
    "file_name": "documents",
    "actions": ACTIONS,
}
SHOWN = (
    DOCUMENT_FIELDS["title"].in_list(),
    DOCUMENT_FIELDS["kind"].in_list(),
    DOCUMENT_FIELDS["expiry_date"].in_list(_("Expires")),
    DOCUMENT_FIELDS["uploaded_at"].in_list(first="desc"),
)
CLIENT_DOCUMENTS = ListPage(
    url_name="clients:client_documents",
    rows=lambda principal, client_id: Document.objects.visible_to(principal).filter(
        client=load_client(principal, client_id)
    ),
    bar=("kind",),
    columns=(*SHOWN, *FILE_COLUMNS),
    **ALIKE,
)
DOCUMENTS = ListPage(
    url_name="clients:documents",
    rows=lambda principal: Document.objects.visible_to(principal).filter(client__archived_at=None),
    bar=("kind",),
    panel=("owner", "in_care", "expiry", "shared"),
    is_counted=False,  # for an account manager who sees few clients it costs more than the page
    columns=(SHOWN[0], DOCUMENT_FIELDS["client"].in_list(), *SHOWN[1:], *FILE_COLUMNS),
    more=lambda listing: {"show_client": True},
    **ALIKE,
)
