"""The list of referrals."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from clients.referrals.fields import REFERRAL_FIELDS
from clients.referrals.models import Referral
from crm.core.listing import filters
from crm.core.listing.columns import Column
from crm.core.listing.pages import ListPage, View
from crm.core.listing.paging import Sort


class ReferralFilters(filters.TrashFilters):
    catalogue = REFERRAL_FIELDS


REFERRALS = ListPage(
    url_name="clients:referrals",
    title=_("Referrals"),
    template="clients/referrals/list.html",
    rows=lambda principal: Referral.objects.visible_to(principal).filter(client__archived_at__isnull=True),
    select=lambda rows: rows.select_related("client", "by_client", "by_contact"),
    filters=ReferralFilters,
    panel=("client", "by_client", "by_contact", "by_source", "archived"),
    sorts={"newest": Sort("date", descending=True, nullable=True)},
    views=(View(_("All")), View(_("Archived"), {"archived": "1"})),
    columns=(
        Column("client", _("Client"), lambda row: row.client.name, href=lambda row: row.client.get_absolute_url()),
        Column("by", _("Referred by"), lambda row: row.referrer, link=lambda row: row.referrer_url, css="cell-wide"),
        REFERRAL_FIELDS["date"].in_list(first="desc", css="cell-wide"),
        REFERRAL_FIELDS["note"].in_list(css="cell-wide"),
        Column("edit", _("Actions"), is_quiet=True),
    ),
    has_columns=False,
    words={"edit": _("Edit"), "restore": _("Restore")},
    noun=lambda n, text: ngettext("%(n)s referral", "%(n)s referrals", n) % {"n": text},
    file_name="referrals",
)
