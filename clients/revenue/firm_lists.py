"""The firm's contracts, and its revenue lines."""

from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from clients.revenue.fields import CONTRACT_FIELDS, REVENUE_FIELDS
from clients.revenue.filters import ContractFilters, RevenueFilters
from clients.revenue.lists import INVOICE
from clients.revenue.models import Contract
from clients.revenue.queries import contracts_of, lines_of, sum_of_lines, yearly_of
from clients.revenue.services.contracts import archive_contract, restore_contract, update_contract
from crm.core.bulk.editing import bulk_edit
from crm.core.firm.queries import firm_today, get_firm
from crm.core.listing.pages import Column, ListPage, View
from crm.core.listing.selection import trash_actions
from crm.core.templatetags.ui import badge
from crm.core.ui.formatting import money, money_exact, money_round


def _write(principal, contract, *, seen_version, now, **fields):
    return update_contract(principal, contract=contract, seen_version=seen_version, **fields)


ACTIONS = (
    bulk_edit(
        "contracts.edit",
        CONTRACT_FIELDS,
        _write,
        # an engagement is of one client; a price changes from some day on, by a contract that replaces this one
        but=("name", "number", "engagement", "value", "currency", "rate", "period", "is_free", "start_date"),
    ),
    *trash_actions("contracts", Contract, "contract", archive_contract, restore_contract),
)


def describe(rows, today):
    """Set what a contract shows: `value_words`, `yearly_words` (needs `with_yearly`), `notice_words`, `is_notice_near`, `state_badge`."""
    own, free = get_firm().currency, badge(gettext("Free"))
    ended, coming = badge(gettext("Ended")), badge(gettext("Not begun"), "blue")
    for row in rows:
        row.value_words = free if row.is_free else money(row.value, row.currency)
        row.yearly_words = _yearly(row, own)
        row.days_left = (row.notice_date - today).days if row.notice_date else None
        row.is_notice_near = row.days_left is not None and 0 <= row.days_left <= 60 and row.is_in_force_on(today)
        row.state_badge = ended if row.end_date and row.end_date <= today else coming if row.start_date > today else ""


def _yearly(row, own):
    if row.is_free:
        return ""
    if row.yearly_firm is None:
        return format_html('<span class="text-amber">{}</span>', gettext("no rate"))
    return money_round(row.yearly_firm, own)


def _decorate(rows, listing):
    describe(rows, firm_today(listing.now))


def _more_of_contracts(listing):
    """What is over brings nothing in."""
    is_small = listing.page.total is not None and not listing.page.is_capped
    running = listing.rows.running(firm_today(listing.now))
    return {"sums": yearly_of(running) if is_small else None, "currency": get_firm().currency}


CONTRACTS = ListPage(
    url_name="clients:contracts",
    title=_("Contracts"),
    template="clients/revenue/contracts.html",
    rows=contracts_of,
    select=lambda rows: rows.select_related("client", "service"),
    decorate=_decorate,
    filters=ContractFilters,
    bar=("state",),
    panel=(
        "owner",
        "service",
        "renews",
        "notice_from",
        "notice_before",
        "renewal_from",
        "renewal_before",
        "end_from",
        "end_before",
        "archived",
    ),
    view_by=("state", "owner", "archived"),
    sorts={"newest": "-start_date"},
    views=(
        View(_("All"), {}),
        View(_("In force"), {"state": "current"}),
        View(_("My clients’"), {"state": "current", "owner": "me"}),
        View(_("Ended"), {"state": "ended"}),
        View(_("Archived"), {"archived": "1"}),
    ),
    columns=(
        CONTRACT_FIELDS["service"].in_list(_("Contract"), file_label=CONTRACT_FIELDS["service"].label),
        CONTRACT_FIELDS["name"].in_list(is_in_file_only=True),
        CONTRACT_FIELDS["number"].in_list(is_in_file_only=True),
        CONTRACT_FIELDS["client"].in_list(),
        CONTRACT_FIELDS["start_date"].in_list(_("Active"), file_label=CONTRACT_FIELDS["start_date"].label),
        CONTRACT_FIELDS["end_date"].in_list(is_in_file_only=True),
        CONTRACT_FIELDS["notice_date"].in_list(css="num"),
        CONTRACT_FIELDS["renewal_date"].in_list(css="num"),
        CONTRACT_FIELDS["is_auto_renewed"].in_list(is_in_file_only=True),
        CONTRACT_FIELDS["engagement"].in_list(is_in_file_only=True),
        CONTRACT_FIELDS["value"].in_list(css="num"),
        CONTRACT_FIELDS["currency"].in_list(is_in_file_only=True),
        CONTRACT_FIELDS["period"].in_list(is_in_file_only=True),
        Column(
            "yearly",
            _("A year"),
            lambda row: row.yearly_firm,
            css="num contract-yearly",
            file_label=_("A year, firm’s currency"),
        ),
    ),
    fields=CONTRACT_FIELDS,
    groups=(CONTRACT_FIELDS["service"].in_groups(),),
    noun=lambda n, text: ngettext("%(n)s contract", "%(n)s contracts", n) % {"n": text},
    words={"notice": _("Notice by"), "renewal": _("Renewal"), "yearly": _("A year"), "open": _("open")},
    more=_more_of_contracts,
    actions=ACTIONS,
    empty=_("No contracts yet. Add one on the revenue page of a client, or import them."),
    file_name="contracts",
)


def _say_lines(rows, listing):
    own = get_firm().currency
    for row in rows:
        row.amount_words = money_exact(row.amount, row.currency)
        row.firm_words = "" if row.currency == own or row.amount_firm is None else money_exact(row.amount_firm, own)
        row.lacks_rate = row.amount_firm is None


def _more_of_lines(listing):
    is_small = listing.page.total is not None and not listing.page.is_capped
    return {"sums": sum_of_lines(listing.rows) if is_small else None, "currency": get_firm().currency}


REVENUE = ListPage(
    url_name="clients:revenue_lines",
    title=_("Revenue"),
    template="clients/revenue/firm_lines.html",
    rows=lines_of,
    select=lambda rows: rows.select_related("client", "service"),
    decorate=_say_lines,
    filters=RevenueFilters,
    bar=("service",),
    panel=("owner", "kind", "date_from", "date_before", "currency", "no_service", "unrated"),
    view_by=("owner", "kind"),
    sorts={"newest": "-date"},
    views=(View(_("All"), {}), View(_("My clients’"), {"owner": "me"}), View(_("Refunds"), {"kind": "refund"})),
    columns=(
        REVENUE_FIELDS["date"].in_list(first="desc"),
        REVENUE_FIELDS["client"].in_list(),
        REVENUE_FIELDS["service"].in_list(_("For"), file_label=_("Service")),
        REVENUE_FIELDS["kind"].in_list(is_in_file_only=True),
        REVENUE_FIELDS["reference"].in_list(css="phone-hide"),
        INVOICE,
        REVENUE_FIELDS["engagement"].in_list(is_in_file_only=True),
        REVENUE_FIELDS["note"].in_list(is_in_file_only=True),
        REVENUE_FIELDS["amount"].in_list(css="num"),
        REVENUE_FIELDS["currency"].in_list(is_in_file_only=True),
        REVENUE_FIELDS["amount_firm"].in_list(is_in_file_only=True),
    ),
    groups=(REVENUE_FIELDS["service"].in_groups(), REVENUE_FIELDS["kind"].in_groups()),
    noun=lambda n, text: ngettext("%(n)s line", "%(n)s lines", n) % {"n": text},
    words={"no_rate": _("no rate")},
    more=_more_of_lines,
    empty=_("No revenue yet. Add it on the revenue page of a client, or import it."),
    file_name="revenue-lines",
)
