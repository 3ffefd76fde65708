"""The lists of clients and of contacts."""

from dataclasses import replace
from functools import partial

from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext, pgettext
from django.utils.translation import gettext_lazy as _

from clients import permissions, registry
from clients.contacts.fields import CONTACT_FIELDS
from clients.contacts.models import Affiliation, Contact
from clients.contacts.queries import country_of
from clients.groups.queries import add_group_revenue, group_revenue
from clients.importing.clients.writing import exported
from clients.listing import actions
from clients.listing.boards import BOARDS, STATUS
from clients.listing.filters import ClientFilters, ContactFilters
from clients.records.choices import STATUS_TONES, Status
from clients.records.fields import CLIENT_FIELDS
from clients.records.models import Client
from clients.records.queries import add_next_steps
from clients.referrals.queries import add_referrers
from clients.segments import queries as segments
from crm.core.bulk.boards import field_board
from crm.core.firm.queries import firm_today, get_firm
from crm.core.listing.columns import NOTHING, Column
from crm.core.listing.pages import FILES, ListPage, View
from crm.core.listing.paging import Sort
from crm.core.templatetags.ui import badge
from crm.core.ui.formatting import due_state, exact, money_round

ASKED_FIRST = ("segment", "owner", "team", "status", "tier", "step", "onboarding", "tag", "industry", "country")
# What each row needs besides its columns
READS = ("name", "industry", "city", "is_restricted", "archived_at", "facts__client_id")
STEP = ("facts__next_step_at", "facts__next_step_id", "facts__status")

QUIET = '<span class="text-3rd">{}</span>'
DASH = format_html(QUIET, "—")


def _decorate(clients, listing):
    """Set what each row shows, once here instead of by template tags in every row; of columns that are not shown nothing is
    loaded."""
    makers = [make(listing) for key, make in CELLS.items() if key in listing.keys]
    if listing.keys & {"next", "step"}:
        add_next_steps(listing.principal, clients)
    for client in clients:
        client.what_and_where = " · ".join(filter(None, (client.industry, client.city)))
        for set_cell in makers:
            set_cell(client, client.facts)


def _status(listing):
    badges = {
        value: badge(label, STATUS_TONES.get(value, ""), dot=value in STATUS_TONES) for value, label in Status.choices
    }

    def set_cell(client, facts):
        client.status_badge = badges.get(facts.status, "")

    return set_cell


def _next_step(listing):
    today, no_step = timezone.localtime(listing.now).date(), badge(gettext("No next step"), "amber")

    def set_cell(client, facts):
        client.next_badge = no_step if facts.status != Status.FORMER and not client.archived_at else DASH
        if facts.next_step_at:
            tone, words = due_state(client.next_step_due, today, client.next_step_snoozed)
            client.next_badge = badge(words, tone)

    return set_cell


def _last_contact(listing):
    firm_day, never, days = firm_today(listing.now), format_html(QUIET, gettext("never")), pgettext("days, short", "d")
    shape = '<time datetime="{}" title="{}">{} {}</time>'

    def set_cell(client, facts):
        client.contact_words = never
        if facts.last_contact_at:
            at = timezone.localtime(facts.last_contact_at)
            said = format_html(shape, at.isoformat(), exact(at), facts.days_since_contact(firm_day), days)
            client.contact_words = said

    return set_cell


def _nps(listing):
    def set_cell(client, facts):
        client.nps_words = DASH if facts.nps_score is None else facts.nps_score

    return set_cell


def _revenue(listing):
    currency, unrated = get_firm().currency, listing.declared.words["unrated"]

    def set_cell(client, facts):
        words = money_round(facts.revenue_12m, currency) if facts.revenue_12m else DASH
        missing = format_html('<span class="sub">{} {}</span>', facts.unrated_12m, unrated) if facts.unrated_12m else ""
        client.revenue_words = format_html("{}{}", words, missing) if missing else words

    return set_cell


def _may_be_kept(listing):
    """The list itself, narrowed by what a rule can say."""
    return listing.has_views and listing.is_narrowed and not listing.values.get("archived")


CELLS = {"status": _status, "next": _next_step, "contact": _last_contact, "nps": _nps, "revenue": _revenue}


CLIENTS = ListPage(
    url_name="clients:list",
    title=_("Clients"),
    template="clients/listing/list.html",
    rows=lambda principal: Client.objects.visible_to(principal),
    select=lambda rows: rows.select_related("facts"),
    reads=READS,
    decorate=_decorate,
    filters=ClientFilters,
    panel=tuple(
        name for name in dict.fromkeys((*ASKED_FIRST, *ClientFilters.base_filters)) if name not in ("q", "updated_from")
    ),
    search_label=_("Search clients"),
    search_hint=_("Name, city, email, phone"),
    sorts={"name": CLIENT_FIELDS["name"].sort, "created": "created_at"},
    sort_words={"name": _("Name"), "created": _("When they were entered")},
    views=(
        View(_("Mine"), {"owner": "me"}),
        View(_("All")),
        View(_("Going quiet"), {"quiet": "1", "sort": "contact"}),
        View(_("Onboarding"), {"status": "onboarding"}),
        View(_("At notice"), {"status": "at_notice"}),
        View(_("No next step"), {"step": "none", "status": ["active", "onboarding", "at_notice"]}),
        View(_("Archived"), {"archived": "1"}),
    ),
    columns=(
        CLIENT_FIELDS["name"].in_list(_("Client"), href=Client.get_absolute_url),
        CLIENT_FIELDS["industry"].in_list(is_in_file_only=True),
        CLIENT_FIELDS["city"].in_list(is_in_file_only=True),
        CLIENT_FIELDS["status"].in_list(),
        CLIENT_FIELDS["tier"].in_list(),
        CLIENT_FIELDS["owner"].in_list(css="col-owner"),
        Column(
            "step",
            _("Next step"),
            lambda client: client.next_step_text,
            is_in_file_only=True,
            choice_label=_("Next step, in words"),
            loads=STEP,
        ),
        CLIENT_FIELDS["next_step_at"].in_list(file_label=_("Due"), css="", loads=STEP),
        CLIENT_FIELDS["last_contact_at"].in_list(css="num"),
        CLIENT_FIELDS["nps_score"].in_list(css="num", first="desc"),
        CLIENT_FIELDS["revenue_12m"].in_list(
            _("Revenue, 12 m"), css="num", first="desc", loads=("facts__revenue_12m", "facts__unrated_12m")
        ),
        Column(
            "group_revenue",
            _("Group revenue, 12 m"),
            lambda client: client.group_revenue,
            css="num",
            first="desc",
            sort=Sort("group_revenue", expression=lambda principal, now: group_revenue(principal)),
            is_extra=True,
            cell=lambda client: (
                money_round(client.group_revenue, get_firm().currency) if client.group_revenue else NOTHING
            ),
            loads=("facts__revenue_12m",),
            decorate=lambda clients, listing: add_group_revenue(listing.principal, clients),
        ),
        Column(
            "referred",
            _("Referred by"),
            lambda client: client.referred_by,
            is_extra=True,
            decorate=lambda clients, listing: add_referrers(listing.principal, clients),
        ),
        CLIENT_FIELDS["address"].in_list(is_extra=True, cell=lambda client: ", ".join(client.address_lines) or NOTHING),
    ),
    fields=CLIENT_FIELDS,
    groups=tuple(
        CLIENT_FIELDS[name].in_groups() for name in ("status", "tier", "owner", "team", "onboarding_state", "tags")
    ),
    boards=BOARDS,
    custom_board=partial(field_board, actions.EDIT),
    card="clients/listing/cards.html",
    card_columns=("status", "tier", "owner", "next", "contact"),
    words={"unrated": _("without a rate"), "restricted": _("Restricted")},
    noun=lambda n, text: ngettext("%(n)s client", "%(n)s clients", n) % {"n": text},
    file_name="clients",
    file_kinds={"all": _("All fields (CSV)"), **FILES},
    other_file=lambda listing: exported(listing.principal, listing.rows),
    actions=(*actions.CLIENTS[:1], STATUS, *actions.CLIENTS[1:]),
    more=lambda listing: {
        "list_actions": registry.list_actions.shown(listing.principal),
        "may_create": permissions.may_create(listing.principal),
        "keep_url": f"{reverse('clients:segment_new')}?{listing.query}" if _may_be_kept(listing) else "",
        "keep_text": _("Save as segment"),
    },
)


def _places(contacts, listing):
    """The contacts' places at clients: only those that the reader sees."""
    places = Affiliation.objects.visible_to(listing.principal).filter(left_date=None, contact__in=contacts)
    found: dict[int, list] = {}
    shown = places.select_related("client").only("title", "contact_id", "client__name", "client__country")
    for place in shown.order_by("pk"):
        found.setdefault(place.contact_id, []).append(place)
    for contact in contacts:
        contact.places = found.get(contact.pk, [])
        contact.country = country_of(contact.places)


def _of_segment(principal, segment_id):
    """404 for one that is not shared with the reader."""
    chosen = segments.choose(principal, segment_id)
    if chosen.segment is None:
        raise Http404
    return segments.in_segment(Client.objects.visible_to(principal), chosen, principal, timezone.now())


SEGMENT_CLIENTS = replace(  # the same list within the page of a segment
    CLIENTS,
    url_name="clients:segment",
    template="clients/segments/clients.html",
    rows=_of_segment,
    panel=tuple(name for name in CLIENTS.panel if name != "segment"),
    views=(),
    has_views=False,
    boards=(),
    custom_board=None,
)
CONTACTS = ListPage(
    url_name="clients:contacts",
    title=_("Contacts"),
    template="clients/contacts/list.html",
    rows=lambda principal: Contact.objects.visible_to(principal),
    decorate=_places,
    filters=ContactFilters,
    search_label=_("Search people"),
    search_hint=_("Name, email, phone"),
    views=(View(_("All")), View(_("Archived"), {"archived": "1"})),
    columns=(
        CONTACT_FIELDS["name"].in_list(href=Contact.get_absolute_url),
        Column("clients", _("Clients"), lambda contact: ", ".join(place.client.name for place in contact.places)),
        CONTACT_FIELDS["email"].in_list(),
        CONTACT_FIELDS["phone"].in_list(),
        Column(
            "titles",
            _("Role"),
            lambda contact: ", ".join(place.title for place in contact.places if place.title),
            is_extra=True,
        ),
    ),
    fields=CONTACT_FIELDS,
    groups=(CONTACT_FIELDS["language"].in_groups(),),
    noun=lambda n, text: ngettext("%(n)s person", "%(n)s people", n) % {"n": text},
    file_name="contacts",
    actions=actions.CONTACTS,
    more=lambda listing: {"may_create": permissions.may_create(listing.principal)},
)
