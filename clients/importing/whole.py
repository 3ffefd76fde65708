"""What belongs to the records of this app, so that the undo of an import takes or leaves them whole. Registers itself."""

from django.db import connection
from django.utils.translation import gettext as _

from clients.contacts.models import Affiliation, Consent, Contact, ContactEmail, ContactPhone, HeldDetails
from clients.duplicates.models import ClientDuplicate, ContactDuplicate
from clients.engagements.models import Engagement, EngagementParty, EngagementStateChange, EngagementTeam
from clients.invoices.models import Invoice, Payment
from clients.opportunities.models import Opportunity, StageChange
from clients.records.facts import rebuild_facts
from clients.records.models import Client, ClientAccess, ClientFacts, ClientTag, ExternalId, StatusPeriod
from clients.records.services.clients import lock_parents
from clients.referrals.models import Referral
from clients.revenue.models import Contract, RevenueLine
from crm.core.base.errors import ServiceError
from crm.core.drafts.models import Draft
from crm.core.importing import parts
from crm.core.importing.parts import Part
from crm.core.mail.models import OutboxMail

IN_A_RING = """
    WITH RECURSIVE above(start, id) AS (
        SELECT id, parent_id FROM clients_client WHERE id = ANY(%s)
        UNION SELECT above.start, c.parent_id FROM above JOIN clients_client c ON c.id = above.id
    )
    SELECT EXISTS (SELECT FROM above WHERE above.id = above.start)
"""


def no_ring(pks: list[int]) -> None:
    """No client is above itself."""
    with connection.cursor() as cursor:
        cursor.execute(IN_A_RING, [pks])
        if cursor.fetchone()[0]:
            raise ServiceError(_("Its parent is now one of the clients below it."))


def with_external_ids(kind: str, owner: type) -> None:
    """The ids that rows of `owner` have in other systems belong to them."""
    parts.parts.register(Part(f"external_id.{kind}", ExternalId, owner, "object_id", {"kind": kind}))


parts.register_parts(Contact, "contact_id", ContactEmail, ContactPhone, Consent, Affiliation)
parts.register_parts(Client, "client_id", StatusPeriod, ClientTag, ClientAccess, Affiliation, Referral)
parts.register_parts(Engagement, "engagement_id", EngagementTeam, EngagementParty, EngagementStateChange)
parts.register_parts(Opportunity, "opportunity_id", StageChange)
parts.register_parts(Invoice, "invoice_id", Payment)
parts.parts.register(
    Part("held", HeldDetails, Contact, "affiliation_id", through=Affiliation, owner_column="contact_id")
)
parts.register_derived(Client, "client_id", ClientFacts)  # those of segments: clients/hooks.py
for owner, pairs in ((Client, ClientDuplicate), (Contact, ContactDuplicate)):
    for column in ("first_id", "second_id"):
        parts.register_derived(owner, column, pairs)
for model in (Draft, OutboxMail):
    parts.mentions.register(parts.Mention(f"{model.__name__}.client", model, Client, "client_id"))
parts.checks.register(parts.Check("clients.ring", Client, no_ring, lock_parents))
for model, column in ((Client, "owner_id"), (Opportunity, "owner_id"), (Engagement, "lead_id")):
    parts.charges.register(parts.Charge(f"{model.__name__}.{column}", model, column))
parts.followers.register(
    parts.Follow("clients.facts", Client, lambda pks, now: rebuild_facts(now=now, client_ids=pks) and None)
)
for kind, owner in (
    ("client", Client),
    ("contact", Contact),
    ("contract", Contract),
    ("revenue", RevenueLine),
    ("opportunity", Opportunity),
    ("invoice", Invoice),
    ("engagement", Engagement),
):
    with_external_ids(kind, owner)
