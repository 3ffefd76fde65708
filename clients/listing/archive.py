"""What an archive of the firm holds of this app: all of it. Registers itself."""

from clients.catalogue.models import Service, Tag
from clients.contacts.models import Affiliation, Consent, Contact, ContactEmail, ContactPhone, HeldDetails
from clients.cover.models import Cover
from clients.currencies.models import ExchangeRate
from clients.documents.models import Document, DocumentVersion
from clients.duplicates.models import ClientDuplicate, ContactDuplicate
from clients.engagements.models import (
    Engagement,
    EngagementKind,
    EngagementParty,
    EngagementStateChange,
    EngagementTeam,
)
from clients.invoices.models import Invoice, Payment
from clients.opportunities.models import Opportunity, Pipeline, Stage, StageChange
from clients.opportunities.services.pipelines import are_as_begun
from clients.records.models import Client, ClientAccess, ClientFacts, ExternalId, StatusPeriod
from clients.referrals.models import Referral
from clients.revenue.models import Contract, RevenueLine
from clients.segments.models import Segment, SegmentChange, SegmentMember, SegmentNote
from crm.core.archive.tables import begins_with, keep, open_to_all

keep(Tag, Service, ExchangeRate, Pipeline, Stage, EngagementKind)
keep(Client, Client.tags.through, StatusPeriod, ClientFacts, ClientAccess, ExternalId, Cover)
keep(Contact, ContactEmail, ContactPhone, Affiliation, HeldDetails, Consent, ClientDuplicate, ContactDuplicate)
keep(Engagement, EngagementTeam, EngagementParty, EngagementStateChange, Document, DocumentVersion)
keep(Contract, Invoice, Payment, RevenueLine, Opportunity, StageChange, Referral)
keep(Segment, SegmentNote, SegmentMember, SegmentChange)
open_to_all(Tag, Service, ExchangeRate, why="Settings of the firm, without records.")
begins_with(Stage, Pipeline, is_untouched=are_as_begun)
