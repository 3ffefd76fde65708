"""The list of opportunities, with the sums of what it shows."""

from dataclasses import replace

from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from clients import permissions
from clients.opportunities.choices import OPPORTUNITY_TONES, OpportunityState
from clients.opportunities.fields import OPPORTUNITY_FIELDS
from clients.opportunities.filters import OpportunityFilters
from clients.opportunities.models import Opportunity
from clients.opportunities.queries import opportunities_of, sums
from clients.opportunities.services.records import archive_opportunity, restore_opportunity, update_opportunity
from clients.page.queries import load_client
from crm.core.bulk.editing import bulk_edit
from crm.core.firm.queries import firm_today, get_firm
from crm.core.listing.empty import Empty
from crm.core.listing.pages import Column, ListPage, View
from crm.core.listing.selection import hand_over, outside_trash, trash_actions
from crm.core.templatetags.ui import badge
from crm.core.ui.formatting import money_round, short_day

DASH = format_html('<span class="text-3rd">{}</span>', "—")


def _give(principal, row, now, owner):
    update_opportunity(principal, opportunity=row, seen_version=row.seen_version, now=now, owner=owner)


def _write(principal, row, *, seen_version, now, **fields):
    return update_opportunity(principal, opportunity=row, seen_version=seen_version, now=now, **fields)


ACTIONS = (
    bulk_edit(
        "opportunities.edit", OPPORTUNITY_FIELDS, _write, but=("title", "client", "contract", "engagement", "rate")
    ),
    hand_over("opportunities.reassign", _("Reassign"), Opportunity, _give, _("Owner"), "owner", fits=outside_trash),
    *trash_actions("opportunities", Opportunity, "opportunity", archive_opportunity, restore_opportunity),
)


def decorate_one(row, now):
    """The same for a row that stands alone."""
    _decorate([row], now)


def decorate(rows, listing):
    """Set what each row shows."""
    _decorate(rows, listing.now)


def _decorate(rows, now):
    today, own = firm_today(now), get_firm().currency
    states = {
        value: badge(label, OPPORTUNITY_TONES.get(value, ""), dot=value in OPPORTUNITY_TONES)
        for value, label in OpportunityState.choices
    }
    rots = badge(gettext("Rotting"), "amber", icon_name="clock-history")
    for row in rows:
        row.state_badge = "" if row.is_open else states[row.state]
        row.days = row.days_in_stage(now)
        row.rots_badge = rots if row.is_rotting(now) else ""
        row.close_words = short_day(row.expected_close, today)
        row.is_overdue = row.is_open and row.expected_close < today
        row.value_words, row.weighted_words = value_words(row, own), DASH
        if row.weighted_firm is not None and row.is_open:
            row.weighted_words = money_round(row.weighted_firm, own)


def value_words(row, own):
    """In the firm's currency, the other one beside it; an amount without a rate says so."""
    if row.value is None:
        return DASH
    if row.currency == own:
        return money_round(row.value, own)
    foreign = money_round(row.value, row.currency)
    if row.value_firm is None:
        return format_html('{}<span class="sub text-amber">{}</span>', foreign, gettext("no rate"))
    return format_html('{}<span class="sub">{}</span>', money_round(row.value_firm, own), foreign)


def _more(listing):
    found = sums(listing.rows)
    return {
        "sums": found,
        "currency": get_firm().currency,
        "left_out_url": f"{listing.url}?{_with(listing, unpriced='1')}",
        "may_create": permissions.may_create(listing.principal),
    }


def _with(listing, **values):
    query = listing.given.copy()
    query.pop("cursor", None)
    for name, value in values.items():
        query[name] = value
    return query.urlencode()


OPPORTUNITIES = ListPage(
    url_name="clients:opportunities",
    title=_("Opportunities"),
    template="clients/opportunities/list.html",
    rows=opportunities_of,
    select=lambda rows: rows.select_related("client", "owner", "stage", "pipeline", "service"),
    decorate=decorate,
    filters=OpportunityFilters,
    segments=("show",),
    defaults=lambda principal: {"show": "open"},
    panel=(
        "pipeline",
        "stage",
        "owner",
        "kind",
        "rotting",
        "close_from",
        "close_before",
        "service",
        "reason",
        "unpriced",
        "archived",
    ),
    view_by=("show", "owner", "rotting", "kind", "archived"),
    search_label=_("Search opportunities"),
    search_hint=_("Title"),
    sorts={"close": OPPORTUNITY_FIELDS["expected_close"].sort},
    default_sort=lambda values: "-closed_at" if values.get("show") in ("won", "lost") else "close",
    views=(
        View(_("All open"), {}),
        View(_("Mine"), {"owner": "me"}),
        View(_("Rotting"), {"rotting": "1"}),
        View(_("Renewals"), {"kind": "renewal"}),
        View(_("Archived"), {"archived": "1", "show": "all"}),
    ),
    fields=OPPORTUNITY_FIELDS,
    groups=tuple(OPPORTUNITY_FIELDS[name].in_groups() for name in ("stage", "owner", "kind", "state")),
    columns=(
        OPPORTUNITY_FIELDS["title"].in_list(_("Opportunity")),
        OPPORTUNITY_FIELDS["client"].in_list(is_in_file_only=True),
        OPPORTUNITY_FIELDS["kind"].in_list(is_in_file_only=True),
        OPPORTUNITY_FIELDS["state"].in_list(is_in_file_only=True),
        OPPORTUNITY_FIELDS["pipeline"].in_list(is_in_file_only=True),
        OPPORTUNITY_FIELDS["stage"].in_list(),
        Column("days", _("Days in stage"), lambda row: row.days, is_in_file_only=True),
        OPPORTUNITY_FIELDS["owner"].in_list(css="col-owner"),
        OPPORTUNITY_FIELDS["service"].in_list(is_in_file_only=True),
        OPPORTUNITY_FIELDS["value"].in_list(is_in_file_only=True),
        OPPORTUNITY_FIELDS["currency"].in_list(is_in_file_only=True),
        OPPORTUNITY_FIELDS["value_firm"].in_list(
            _("Value"), css="num", first="desc", file_label=OPPORTUNITY_FIELDS["value_firm"].label
        ),
        OPPORTUNITY_FIELDS["probability"].in_list(is_in_file_only=True),
        OPPORTUNITY_FIELDS["weighted_firm"].in_list(
            _("Weighted"), css="num", file_label=OPPORTUNITY_FIELDS["weighted_firm"].label
        ),
        Column(
            "close",
            OPPORTUNITY_FIELDS["expected_close"].label,
            lambda row: row.expected_close,
            css="num",
            sort=OPPORTUNITY_FIELDS["expected_close"].sort,
        ),
        OPPORTUNITY_FIELDS["closed_at"].in_list(is_in_file_only=True),
        OPPORTUNITY_FIELDS["reason"].in_list(is_in_file_only=True),
        OPPORTUNITY_FIELDS["outcome_note"].in_list(is_in_file_only=True),
        OPPORTUNITY_FIELDS["next_step"].in_list(is_in_file_only=True),
    ),
    noun=lambda n, text: ngettext("%(n)s opportunity", "%(n)s opportunities", n) % {"n": text},
    words={"value": _("Value"), "close": _("Close"), "days": _("d")},
    more=_more,
    empty=Empty(
        icon="kanban",
        title=_("No open opportunities"),
        text=_("Something a client may buy: new business, an upsell, a renewal. Renewals appear here by themselves."),
        action=_("New opportunity"),
        url_name="clients:opportunity_new",
        may=permissions.may_create,
        no_match=_("No opportunity matches"),
    ),
    actions=ACTIONS,
    file_name="opportunities",
)
CLIENT_OPPORTUNITIES = replace(
    OPPORTUNITIES,
    url_name="clients:client_opportunities",
    rows=lambda principal, client_id: Opportunity.objects.visible_to(principal).filter(
        client=load_client(principal, client_id)
    ),
    defaults=lambda principal: {"show": "all"},
    views=(View(_("All"), {"show": "all"}), View(_("Open"), {"show": "open"})),
)
