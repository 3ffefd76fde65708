"""The list of segments."""

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from clients.segments.models import Segment
from clients.segments.queries import in_words
from clients.segments.rules import read_all
from crm.core.listing import filters
from crm.core.listing.columns import Column
from crm.core.listing.pages import ListPage, View
from crm.core.templatetags.ui import badge


class SegmentFilters(filters.TrashFilters):
    """Of the list and the API."""

    q = filters.Search("name", "icontains", label=_("name"))
    owner = filters.PersonId("owner", label=_("Owner"), chip=_("Owner is"))
    is_shared = filters.Yes("is_shared", label=_("Shared with everyone"), chip=_("Shared:"))

    class Meta:
        model = Segment
        fields: list[str] = []


def _decorate(rows, listing):
    parsed = read_all(row.rule for row in rows)
    shared = badge(gettext("Shared"), icon_name="people")
    for row, read, words in zip(rows, parsed, in_words(parsed), strict=True):
        row.problem, row.words = " ".join(read.messages), words
        row.shared_badge = shared if row.is_shared else ""


SEGMENTS = ListPage(
    url_name="clients:segments",
    title=_("Segments"),
    template="clients/segments/list.html",
    rows=lambda principal: Segment.objects.visible_to(principal),
    select=lambda rows: rows.select_related("owner"),
    decorate=_decorate,
    filters=SegmentFilters,
    sorts={"name": "name", "changed": "-updated_at"},
    views=(
        View(_("All")),
        View(_("Mine"), {"owner": "me"}),
        View(_("Shared"), {"is_shared": "1"}),
        View(_("Deleted"), {"archived": "1"}),
    ),
    columns=(
        Column("name", _("Segment")),
        Column("rule", _("Clients whose"), css="cell-wide"),
        Column("owner", _("Owner")),
        Column("shared", _("Shared")),
    ),
    words={"restore": _("Restore")},
    search_label=_("Search segments"),
    search_hint=_("Name"),
    has_columns=False,
    has_views=False,
    noun=lambda n, text: ngettext("%(n)s segment", "%(n)s segments", n) % {"n": text},
)
