"""What this app registers with the kernel and on its own pages."""

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clients import permissions, registry
from clients.catalogue.services import create_service
from clients.contacts.queries import people_of
from clients.contacts.services import mark_address
from clients.cover import history as cover_history
from clients.cover.permissions import may_arrange_for_others
from clients.documents import cards as document_cards  # noqa: F401  registers itself
from clients.documents import timeline as documents_timeline
from clients.documents.finding import document_hit, find_documents, similar_documents
from clients.documents.models import Document
from clients.documents.services import send_expiry_reminders
from clients.duplicates import hooks as duplicates  # noqa: F401  registers itself
from clients.engagements import hooks as engagements  # noqa: F401  registers itself
from clients.engagements.models import named_q, no_link_to
from clients.gate import has_few
from clients.groups import cards as group_cards  # noqa: F401  registers itself
from clients.importing import KINDS, vcards  # noqa: F401  readers register themselves
from clients.importing import whole as whole_records  # noqa: F401  registers itself
from clients.importing.finance import ledes, quickbooks, xero  # noqa: F401
from clients.importing.presets import PRODUCTS
from clients.invoices import hooks as invoices  # noqa: F401  registers itself
from clients.listing import archive, finding, rollups  # noqa: F401  archive and roll-ups register themselves
from clients.listing.finding import clients_named
from clients.merging import hooks as merging  # noqa: F401  registers itself
from clients.opportunities import hooks as opportunities  # noqa: F401  registers itself
from clients.records.choices import STATUS_TONES
from clients.records.fields import CLIENT_FIELDS
from clients.records.models import Client
from clients.records.services.clients import reassign_clients
from clients.records.services.statuses import rebuild_status_facts, refresh_statuses
from clients.records.statuses import status_items
from clients.referrals import hooks as referrals  # noqa: F401  registers itself
from clients.revenue import hooks as revenue  # noqa: F401  registers itself
from clients.revenue.finding import contract_hit, find_contracts
from clients.revenue.services import lines
from clients.revenue.services.lines import refresh_revenue_facts
from clients.revenue.services.rates import convert_amounts
from clients.segments.models import SegmentChange, SegmentMember
from clients.segments.queries import owned_with, segments_with
from clients.segments.services import note_all_members
from crm.core.base import gate
from crm.core.base.permissions import may_administer
from crm.core.base.principals import SYSTEM
from crm.core.fields.custom.entries import load_custom
from crm.core.fields.custom.queries import Finder, finders
from crm.core.fields.custom.telling import OwnedFinder, owned
from crm.core.firm.queries import firm_today, get_firm
from crm.core.firm.signals import firm_changed
from crm.core.history import queries as history
from crm.core.importing import kinds, parts, presets
from crm.core.importing.permissions import may_import
from crm.core.mail.signals import address_released, address_stopped
from crm.core.people import links, reassignment
from crm.core.search import sources as search
from crm.core.ui import navigation, tones
from crm.core.work.schedule import Job, periodic

# Handlers


def visible_client_ids(principal):
    return Client.objects.visible_to(principal).values("pk")


def make_planned_statuses_present(today, last):
    return refresh_statuses(today=today)


def move_revenue_window(today, last):
    """Daily: move the twelve months of revenue so that they end today."""
    return lines.move_revenue_window(since=last, today=today)


def remind_of_expiring_documents(today, last):
    return send_expiry_reminders(today)


def note_members_of_segments(today, last):
    """Daily: who joined and left each segment."""
    return note_all_members(today, timezone.now())


def express_amounts(sender, fields, before, **kwargs):
    """When the firm changes its currency, convert every amount at its day's rate, or refuse the change."""
    if "currency" in fields:
        convert_amounts(old=before["currency"], new=get_firm().currency)
        lines.move_revenue_window(since=None, today=firm_today(timezone.now()))


def seen_notifications(principal):
    """Notifications that lead to no document of a restricted engagement that is out of the principal's sight."""
    if principal.is_system:
        return Q()
    return no_link_to(Document.objects.exclude(named_q(principal)), "/documents/")


def rebuild_own_facts(client_ids, now):
    today = firm_today(now)
    rebuild_status_facts(client_ids, today)
    refresh_revenue_facts(client_ids=client_ids, today=today)


def mark_address_refused(sender, address, reason, detail, now, **kwargs):
    """Show a bounce or complaint beside the contact's address, and notify the account managers once."""
    mark_address(SYSTEM, address=address, is_refused=True, now=now)


def mark_address_released(sender, address, now, **kwargs):
    mark_address(SYSTEM, address=address, is_refused=False, now=now)


def count_owned(principal, user):
    return Client.objects.visible_to(principal).kept().filter(owner=user).count()


def reassign_owned(principal, user, to, now):
    """Give every client of a leaving colleague a new account manager, including restricted ones."""
    return reassign_clients(SYSTEM, clients=list(Client.objects.filter(owner=user)), owner=to)


@registry.panel("people", "side", 70, "clients/page/people_card.html")
def people_card(principal, client, now):
    return {"people": people_of(client)}


@registry.panel("facts", "side", 80, "clients/page/facts_card.html")
def facts_card(principal, client, now):
    shown = CLIENT_FIELDS.facts(client, may_edit=permissions.may_edit(principal, client))
    return {"shown": shown, "may_restrict": permissions.may_restrict(principal, client)}


@registry.panel("custom", "side", 82, "clients/page/custom_card.html")
def custom_card(principal, client, now):
    load_custom(principal, CLIENT_FIELDS, [client], now)
    sections = CLIENT_FIELDS.custom_facts(client, may_edit=permissions.may_edit(principal, client))
    return {"sections": sections} if sections else None


# Wiring
address_stopped.connect(mark_address_refused, dispatch_uid="clients.mark_address_refused")
address_released.connect(mark_address_released, dispatch_uid="clients.mark_address_released")
firm_changed.connect(express_amounts, dispatch_uid="clients.express_amounts")
finders.register(Finder("segments", segments_with, 20))
owned.register(OwnedFinder("segments", owned_with, 10))
gate.register(visible_client_ids)
gate.rules.register(gate.Rule("clients.documents", "core.Notification", seen_notifications))
periodic.register(Job("clients.statuses", make_planned_statuses_present, daily="clients:statuses"))
periodic.register(Job("clients.revenue", move_revenue_window, daily="clients:revenue"))
periodic.register(
    Job("clients.documents", remind_of_expiring_documents, _("Expiring documents"), daily="clients:documents")
)
periodic.register(
    Job("clients.segments", note_members_of_segments, _("Who joined and left segments"), daily="clients:segments")
)
registry.facts_rebuilders.register(registry.FactsRebuilder("clients", rebuild_own_facts))
for kind in KINDS:
    kinds.register(kind)
for product, made in PRODUCTS:
    presets.products.register(product)
    for preset in made:
        presets.presets.register(preset)
kinds.creators.register(
    kinds.Creator(
        "service", permissions.may_manage_catalogue, lambda principal, text: create_service(principal, name=text)
    )
)
parts.register_derived(Client, "client_id", SegmentMember, SegmentChange)
registry.timeline_sources.register(
    registry.TimelineSource("clients.status", [("status", _("Status"))], status_items, 90)
)
registry.timeline_sources.register(documents_timeline.SOURCE)
registry.tabs.register(registry.Tab("timeline", _("Timeline"), "clients:client", 0))
registry.tabs.register(registry.Tab("people", _("People"), "clients:people", 40))
registry.tabs.register(registry.Tab("documents", _("Documents"), "clients:client_documents", 45))
registry.tabs.register(registry.Tab("opportunities", _("Opportunities"), "clients:client_opportunities", 47))
registry.tabs.register(registry.Tab("revenue", _("Revenue"), "clients:revenue", 50))
registry.tabs.register(registry.Tab("history", _("History"), "clients:history", 90))
tones.declare(**STATUS_TONES)
navigation.register(
    navigation.NavEntry(
        "clients", _("Clients"), "clients:list", "building", 20, letter="c", also=("/interactions/", "/segments/")
    )
)
navigation.register(navigation.NavEntry("contacts", _("Contacts"), "clients:contacts", "people", 30))
navigation.register(navigation.NavEntry("documents", _("Documents"), "clients:documents", "folder2", 57))
navigation.register(
    navigation.NavEntry(
        "services",
        _("Services and tags"),
        "clients:services",
        "tags",
        15,
        group="setup",
        also=("/tags/",),
        shown=permissions.may_manage_catalogue,
    )
)
navigation.register(
    navigation.NavEntry(
        "restricted",
        _("Restricted clients"),
        "clients:restricted",
        "lock",
        10,
        group="settings",
        shown=lambda user: user.is_admin,
    )
)
navigation.register(
    navigation.NavEntry(
        "rates",
        _("Exchange rates"),
        "clients:rates",
        "receipt",
        5,
        group="settings",
        also=("/revenue/without-rate/", "/contracts/without-rate/"),
        shown=lambda user: user.is_admin,
    )
)
history.remarks.register(history.Remark("clients.cover", cover_history.say_who_was_covered))
links.profile_links.register(links.ProfileLink("cover", _("Absence and cover"), "clients:covers"))
navigation.register(
    navigation.NavEntry(
        "covers",
        _("Absence and cover"),
        "clients:covers",
        "person-check",
        18,
        group="setup",
        shown=may_arrange_for_others,
    )
)
search.register_few(has_few)
search.register_recent(finding.find_recent)
search.register(
    search.Source(
        "clients",
        _("Clients"),
        10,
        finding.find_clients,
        finding.client_hit,
        finding.similar_clients,
        more=finding.numbers,
        list_url="clients:list",
    )
)
search.register(
    search.Source(
        "contacts",
        _("Contacts"),
        20,
        finding.find_people,
        finding.contact_hit,
        finding.similar_people,
        more=finding.numbers,
        complete=finding.with_details,
        list_url="clients:contacts",
    )
)
search.register(search.Source("contracts", _("Contracts"), 46, find_contracts, contract_hit))
search.register(
    search.Source(
        "documents", _("Documents"), 40, find_documents, document_hit, similar_documents, list_url="clients:documents"
    )
)
for command in (
    search.Command(
        "covers", _("Absence and cover"), "clients:covers", "person-check", _("away holiday vacation leave")
    ),
    search.Command("rates", _("Exchange rates"), "clients:rates", "receipt", _("currency money"), shown=may_administer),
    search.Command(
        "new-client",
        _("New client"),
        "clients:create",
        "plus-lg",
        _("add create"),
        order=10,
        is_common=True,
        shown=permissions.may_create,
    ),
    search.Command(
        "new-contact",
        _("New contact"),
        "clients:create_contact",
        "plus-lg",
        _("add create person"),
        order=15,
        shown=permissions.may_create,
    ),
    search.Command(
        "add-document",
        _("Add documents"),
        "clients:client_documents",
        "upload",
        _("upload file attachment"),
        order=35,
        about=clients_named,
        title=_("Add documents to %(name)s"),
    ),
    search.Command("segments", _("Segments"), "clients:segments", "filter", _("rules audience filter")),
    search.Command("new-segment", _("New segment"), "clients:segment_new", "plus-lg", _("rules audience filter")),
    search.Command("import", _("Import a file"), "core:import_new", "upload", _("csv excel"), shown=may_import),
):
    search.palette.register(command)
reassignment.register(reassignment.Reassignable("clients", _("Clients"), 10, count_owned, reassign_owned))
