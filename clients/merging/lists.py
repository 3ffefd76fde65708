"""The lists of merges: of clients and of contacts."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from clients.merging.models import ClientMerge, ContactMerge
from crm.core.fields.types import MOMENT
from crm.core.listing import filters
from crm.core.listing.columns import Column
from crm.core.listing.pages import ListPage, View
from crm.core.listing.paging import Sort


class MergeFilters(filters.ListFilters):
    undone = filters.Yes(
        method="over", label=_("Undone"), chip=_("In"), said=lambda value, principal: _("undone merges")
    )

    def over(self, rows, name, value: bool):
        return rows

    def apply(self, rows):
        return super().apply(rows.filter(undone_at__isnull=not self.values.get("undone")))


def _list(model: Any, url_name: str, title: Any, page: Any) -> ListPage:
    return ListPage(
        url_name=url_name,
        title=title,
        rows=lambda principal: model.objects.visible_to(principal),
        select=lambda rows: rows.select_related("kept", "away", "by", "undone_by"),
        filters=MergeFilters,
        panel=("undone",),
        sorts={"date": Sort("at", descending=True)},
        views=(View(_("Merged")), View(_("Undone"), {"undone": "1"})),
        columns=(
            Column("away", _("Merged"), lambda row: str(row.away), href=page),
            Column("kept", _("Into"), lambda row: str(row.kept), link=lambda row: row.kept.get_absolute_url()),
            Column("by", _("By"), lambda row: row.by.name if row.by else ""),
            Column(
                "at",
                _("When"),
                lambda row: row.at,
                cell=lambda row: MOMENT.words(row.at),
                sort=Sort("at", descending=True),
            ),
        ),
        has_columns=False,
        remembers=False,
        noun=lambda n, text: ngettext("%(n)s merge", "%(n)s merges", n) % {"n": text},
        file_name=url_name.partition(":")[2].replace("_", "-"),
    )


CLIENT_MERGES = _list(ClientMerge, "clients:merges", _("Merged clients"), lambda row: f"/clients/merges/{row.pk}/")
CONTACT_MERGES = _list(
    ContactMerge, "clients:contact_merges", _("Merged contacts"), lambda row: f"/contacts/merges/{row.pk}/"
)
