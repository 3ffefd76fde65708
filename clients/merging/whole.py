"""What this app owns of a client and of a contact, and how a merge treats it. Registers itself, and the merges for the firm's archive."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from clients.contacts.models import Affiliation, Consent, Contact, ContactEmail, ContactPhone
from clients.documents.models import Document, DocumentVersion
from clients.duplicates.models import ClientDuplicate, ContactDuplicate
from clients.engagements.models import Engagement, EngagementParty
from clients.engagements.words import Said
from clients.invoices.models import Invoice
from clients.merging.models import ClientMerge, ContactMerge
from clients.merging.relations import Consequence, Pair, Relation, consequences, leave, relate, relations
from clients.opportunities.models import Opportunity
from clients.records.models import Client, ClientAccess, ClientFacts, ClientTag, ExternalId, StatusPeriod
from clients.referrals.models import Referral
from clients.revenue.models import Contract, RevenueLine
from clients.segments.models import SegmentChange, SegmentMember
from crm.core.archive.tables import keep
from crm.core.drafts.models import Draft
from crm.core.files.models import StoredFile
from crm.core.mail.models import OutboxMail
from crm.core.notifications.models import Notification
from crm.core.work.models import Job

ROOM_IN_A_NUMBER = 40
keep(ClientMerge, ContactMerge)


def _fill(own: Any, other: Any, names: Iterable[str]) -> None:
    """What the kept record's row leaves empty is taken from the other one."""
    taken = {name: getattr(other, name) for name in names if getattr(other, name) and not getattr(own, name)}
    if taken:
        type(own)._base_manager.filter(pk=own.pk).update(**taken)


# Parents


def below(pair: Pair, rows: QuerySet) -> QuerySet:
    """The children, without the one that is the kept client or has it below: these take the parent of the client merged away, else
    there would be a ring.
    """
    above, row = set(), pair.kept
    while row is not None and row.pk not in above:
        above.add(row.pk)
        row = Client.objects.filter(pk=row.parent_id).first() if row.parent_id else None
    on_the_way = rows.filter(pk__in=above)
    if on_the_way.exists():
        on_the_way.update(parent=pair.away.parent_id)
    return rows.exclude(pk__in=above)


# People


def places(pair: Pair, rows: QuerySet) -> QuerySet:
    """A client has one main contact: its own, if it has one."""
    if Affiliation.objects.filter(client=pair.kept.pk, is_primary=True).exists():
        rows.filter(is_primary=True).update(is_primary=False)
    return rows


def join_places(pair: Pair, surplus: QuerySet) -> None:
    """Somebody with a place at both, or both of whom have a place at a client: what is empty is filled."""
    side = "client_id" if pair.model is Client else "contact_id"
    other = "contact_id" if pair.model is Client else "client_id"
    for place in surplus:
        own = Affiliation.objects.get(**{side: pair.kept.pk, other: getattr(place, other)})
        _fill(own, place, ("title", "decision_role", "is_billing"))
        if own.left_date and not place.left_date:
            Affiliation.objects.filter(pk=own.pk).update(left_date=None)
        if place.is_primary and not own.is_primary:
            _main(pair, own, place)


def _main(pair: Pair, own: Affiliation, place: Affiliation) -> None:
    """The main contact stays the main one, unless the client has another."""
    others = Affiliation.objects.filter(client=own.client_id, is_primary=True).exclude(pk=place.pk)
    if others.exists() or (place.left_date and own.left_date):
        return
    if place.client_id == own.client_id:
        Affiliation.objects.filter(pk=place.pk).update(is_primary=False)
    Affiliation.objects.filter(pk=own.pk).update(is_primary=True)


def without_main(pair: Pair, rows: QuerySet) -> QuerySet:
    """One main address or number: the kept contact's."""
    if rows.model._base_manager.filter(contact=pair.kept.pk, is_primary=True).exists():
        rows.filter(is_primary=True).update(is_primary=False)
    return rows


def join_refused(pair: Pair, surplus: QuerySet) -> None:
    """An address that bounced or complained gets no mail, whichever of the two it was written to."""
    for address, at in surplus.filter(refused_at__isnull=False).values_list("address", "refused_at"):
        own = ContactEmail.objects.annotate(folded=Lower("address")).filter(contact=pair.kept.pk)
        own.filter(folded=address.lower(), refused_at__isnull=True).update(refused_at=at)


def join_consents(pair: Pair, surplus: QuerySet) -> None:
    """A refusal counts, whichever of the two gave it."""
    for refusal in surplus.filter(is_given=False):
        own = Consent.objects.filter(contact=pair.kept.pk, purpose=refusal.purpose, is_given=True)
        own.update(is_given=False, source=refusal.source, decided_at=refusal.decided_at)


# Papers


def documents(pair: Pair, rows: QuerySet) -> QuerySet:
    """A file that the kept client has already, in the same place and with nothing else about it, stays behind."""
    mine = Document.objects.kept().filter(client=pair.kept.pk, engagement=None)
    known = set(mine.values_list("file__sha256", "is_shared", "kind"))
    single = rows.filter(engagement=None, archived_at__isnull=True, number=1)
    same = [pk for pk, *what in single.values_list("pk", "file__sha256", "is_shared", "kind") if tuple(what) in known]
    return rows.exclude(pk__in=same)


def files(pair: Pair, rows: QuerySet) -> QuerySet:
    """All but those of the documents that stay."""
    staying = DocumentVersion.objects.filter(document__client=pair.away.pk)
    return rows.exclude(pk__in=staying.values("file"))


def contracts(pair: Pair, rows: QuerySet) -> QuerySet:
    """A number is a client's own: one that the kept client has too gets “-2”, “-3” …"""
    taken = {number.lower() for number in Contract.objects.filter(client=pair.kept.pk).values_list("number", flat=True)}
    used = taken | {number.lower() for number in rows.values_list("number", flat=True)}
    named = rows.exclude(number="").filter(archived_at__isnull=True)
    for number in sorted({number for number in named.values_list("number", flat=True) if number.lower() in taken}):
        n = 2
        while (new := f"{number[: ROOM_IN_A_NUMBER - 4]}-{n}").lower() in used:
            n += 1
        used.add(new.lower())
        named.filter(number__iexact=number).update(number=new)
    return rows


def referred(pair: Pair, rows: QuerySet) -> QuerySet:
    """Not by itself, nor twice by the same."""
    known = Referral.objects.kept().filter(client=pair.kept.pk)
    twice = Q(by_client__in=_ids(known, "by_client")) | Q(by_contact__in=_ids(known, "by_contact"))
    return rows.exclude(by_client=pair.kept.pk).exclude(twice & Q(archived_at__isnull=True))


def referrals_made(pair: Pair, rows: QuerySet) -> QuerySet:
    by = "by_client" if pair.model is Client else "by_contact"
    known = Referral.objects.kept().filter(**{by: pair.kept.pk})
    rows = rows.exclude(client__in=_ids(known, "client"), archived_at__isnull=True)
    return rows.exclude(client=pair.kept.pk) if pair.model is Client else rows


def _ids(rows: QuerySet, name: str) -> list[int]:
    return list(rows.filter(**{f"{name}__isnull": False}).values_list(name, flat=True))


# Clients

HISTORY = "its own past: the kept client takes over the days on which this one counted more"
relate(Client, "parent_id", Client, moving=below, label=_("Clients below it"))
relate(Client, "client_id", StatusPeriod, stays=HISTORY)
relate(Client, "client_id", ClientFacts, stays="computed again for both")
relate(Client, "client_id", ClientAccess, stays="who was named on it is not shown the kept client for that")
relate(Client, "client_id", ClientTag, unless=("tag_id",))
relate(
    Client,
    "client_id",
    Affiliation,
    unless=("contact_id",),
    join=join_places,
    moving=places,
    label=_("Contacts"),
)
relate(Client, "client_id", Engagement, label=Said(_("%(Many)s")))
relate(Client, "client_id", Document, moving=documents, label=_("Documents"))
relate(Client, "client_id", Invoice, label=_("Invoices"))
relate(Client, "client_id", Contract, moving=contracts, label=_("Contracts"))
relate(Client, "client_id", RevenueLine, label=_("Revenue lines"))
relate(Client, "client_id", Opportunity, label=_("Opportunities"))
relate(Client, "client_id", Referral, moving=referred, label=_("Referrals"))
relate(Client, "by_client_id", Referral, moving=referrals_made, label=_("Clients it referred"))
relate(Client, "client_id", SegmentMember, SegmentChange, stays="noted every night from the clients")
for column in ("first_id", "second_id"):
    relate(Client, column, ClientDuplicate, stays="found every night")
    relate(Contact, column, ContactDuplicate, stays="found every night")
for column in ("kept_id", "away_id"):
    relate(Client, column, ClientMerge, stays="what was merged into it before is found by the chain")
    relate(Contact, column, ContactMerge, stays="what was merged into it before is found by the chain")

# Contacts

relate(
    Contact,
    "contact_id",
    ContactEmail,
    unless=("address__lower",),
    join=join_refused,
    moving=without_main,
    label=_("Email addresses"),
)
relate(Contact, "contact_id", ContactPhone, unless=("digits",), moving=without_main, label=_("Phone numbers"))
relate(Contact, "contact_id", Consent, unless=("purpose",), join=join_consents)
relate(Contact, "contact_id", Affiliation, unless=("client_id",), join=join_places, label=_("Clients"))
relate(Contact, "contact_id", EngagementParty, unless=("engagement_id", "role"))
relate(Contact, "by_contact_id", Referral, moving=referrals_made, label=_("Clients they referred"))

# Rows without a foreign key

for kind, owner in (("client", Client), ("contact", Contact)):
    relations.register(Relation(ExternalId, owner, "object_id", {"kind": kind}))
relate(Client, "client_id", StoredFile, moving=files)
relate(Client, "client_id", OutboxMail, label=_("Emails"))
relate(Client, "client_id", Notification, Job)
relate(Client, "client_id", Draft, unless=("user_id", "kind", "record"))
relate(Contact, "contact_id", OutboxMail, StoredFile, Notification)
relate(Contact, "contact_id", Draft, unless=("kind", "client_id", "record"))

leave(Job, "options", why="what was asked of a job that is over or runs; old ids lead to the kept record")
leave(OutboxMail, "cause_id", why="names the row that caused the email, which keeps its id")
leave(OutboxMail, "message_id", "provider_id", why="names of the mail's own")

for key, owner, order, text in (
    ("archived", Client, 10, _("%(away)s is archived. Its page and its address in the API lead to %(kept)s.")),
    (
        "archived-contact",
        Contact,
        10,
        _("%(away)s is archived. Their page and their address in the API lead to %(kept)s."),
    ),
    (
        "tags",
        Client,
        20,
        _("%(kept)s has the tags and the ids in other systems of both, so later imports find it by either."),
    ),
    (
        "files",
        Client,
        30,
        _("A document that both have is kept once. A contract number that both have gets “-2” at its end."),
    ),
    ("access", Client, 40, _("Colleagues named on %(away)s do not see %(kept)s for that.")),
    (
        "reach",
        Contact,
        20,
        _("%(kept)s has the email addresses and phone numbers of both. Their main ones stay the main ones."),
    ),
    ("consent", Contact, 30, _("Where one of the two opted out of email, the opt-out stands.")),
):
    consequences.register(Consequence(key, owner, text, order))
