"""The list of absences and who covers."""

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from clients.cover import permissions
from clients.cover.models import Cover
from crm.core.firm.queries import firm_today
from crm.core.listing import filters
from crm.core.listing.columns import Column
from crm.core.listing.pages import ListPage, View
from crm.core.listing.paging import Sort
from crm.core.templatetags.ui import badge

SHOWN = [("current", _("Now and ahead")), ("over", _("Over")), ("all", _("All"))]


class CoverFilters(filters.ListFilters):
    show = filters.Choice(choices=SHOWN, method="of_part", label=_("Which"))
    absent = filters.PersonId("absent", label=_("Who is away"), chip=_("Away is"))
    covering = filters.PersonId("covering", label=_("Covered by"), chip=_("Covered by"))
    updated_from = filters.Moment("updated_at", "gte", label=_("Changed since"))

    class Meta:
        model = Cover
        fields: list[str] = []

    def of_part(self, rows, name, value):
        left = {"end_date__gt": firm_today(self.now), "ended_at__isnull": True}
        if value == "over":
            return rows.exclude(**left)
        return rows.filter(**left) if value == "current" else rows


def _decorate(rows, listing):
    today = firm_today(listing.now)
    for row in rows:
        is_over = row.is_over(today)
        row.may_change = not is_over and permissions.may_change(listing.principal, row)
        if row.ended_at:
            row.state_badge = badge(gettext("Ended early"))
        elif is_over:
            row.state_badge = badge(gettext("Over"))
        elif not row.has_begun(today):
            row.state_badge = badge(gettext("Ahead"), "blue", dot=True)
        else:
            row.state_badge = badge(gettext("Now"), "green", dot=True)


COVERS = ListPage(
    url_name="clients:covers",
    title=_("Absence and cover"),
    template="clients/cover/list.html",
    rows=lambda principal: Cover.objects.visible_to(principal),
    select=lambda rows: rows.select_related("absent", "covering", "arranged_by"),
    decorate=_decorate,
    filters=CoverFilters,
    segments=("show",),
    panel=("absent", "covering"),
    defaults=lambda principal: {"show": "current"},
    view_by=("absent", "covering"),
    views=(View(_("All")), View(_("I am away"), {"absent": "me"}), View(_("I cover"), {"covering": "me"})),
    sorts={"newest": Sort("start_date", descending=True)},
    has_columns=False,
    has_views=False,
    remembers=False,
    columns=(
        Column("absent", _("Away"), lambda row: row.absent.name),
        Column("covering", _("Covered by"), lambda row: row.covering.name),
        Column("start", _("First day away"), lambda row: row.start_date),
        Column("end", _("Back on"), lambda row: row.end_date),
        Column("note", _("Note"), lambda row: row.note, css="cell-wide"),
        Column("state", _("State")),
        Column("act", _("Actions"), is_quiet=True),
    ),
    words={"end": _("End now"), "resume": _("Resume"), "edit": _("Edit")},
    noun=lambda n, text: ngettext("%(n)s absence", "%(n)s absences", n) % {"n": text},
    file_name="absences",
)
