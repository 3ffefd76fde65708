"""The lists of possible duplicates: of clients and of contacts."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from clients.duplicates.models import ClientDuplicate, ContactDuplicate
from clients.duplicates.queries import words_of
from crm.core.listing import filters
from crm.core.listing.columns import Column
from crm.core.listing.pages import ListPage, View
from crm.core.listing.paging import Sort


class DuplicateFilters(filters.ListFilters):
    dismissed = filters.Yes(
        method="answered", label=_("Not duplicates"), chip=_("In"), said=lambda value, principal: _("not duplicates")
    )

    def answered(self, rows, name, value: bool):
        return rows

    def apply(self, rows):
        return super().apply(rows.filter(dismissed_at__isnull=not self.values.get("dismissed")))


def _list(model: Any, url_name: str, title: Any, one: Any, other: Any) -> ListPage:
    return ListPage(
        url_name=url_name,
        title=title,
        template="clients/duplicates/list.html",
        rows=lambda principal: model.objects.visible_to(principal),
        select=lambda rows: rows.select_related("first", "second", "dismissed_by"),
        filters=DuplicateFilters,
        panel=("dismissed",),
        sorts={"likeness": Sort("score", descending=True)},
        views=(View(_("Open")), View(_("Not duplicates"), {"dismissed": "1"})),
        columns=(
            Column("first", one, lambda row: str(row.first), href=lambda row: row.first.get_absolute_url()),
            Column("second", other, lambda row: str(row.second), link=lambda row: row.second.get_absolute_url()),
            Column("reasons", _("Why"), lambda row: words_of(row.reasons), css="cell-wide"),
            Column("score", _("Similarity, %"), lambda row: row.score, css="num"),
            Column("act", _("Actions"), is_quiet=True),
        ),
        has_columns=False,
        remembers=False,
        words={"merge": _("Merge…"), "dismiss": _("Not a duplicate"), "reopen": _("Ask again")},
        noun=lambda n, text: ngettext("%(n)s pair", "%(n)s pairs", n) % {"n": text},
        file_name=url_name.partition(":")[2].replace("_", "-"),
    )


CLIENT_DUPLICATES = _list(
    ClientDuplicate, "clients:duplicates", _("Possible duplicates among clients"), _("Client"), _("Like this client")
)
CONTACT_DUPLICATES = _list(
    ContactDuplicate,
    "clients:contact_duplicates",
    _("Possible duplicates among contacts"),
    _("Contact"),
    _("Like this contact"),
)
