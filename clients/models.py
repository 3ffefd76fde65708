"""Imports the models of all rooms, because Django looks for them here."""

from clients.catalogue.models import Service, Tag  # noqa: F401
from clients.contacts.models import Affiliation, Consent, Contact, ContactEmail, ContactPhone, HeldDetails  # noqa: F401
from clients.cover.models import Cover  # noqa: F401
from clients.currencies.models import ExchangeRate  # noqa: F401
from clients.documents.models import Document, DocumentVersion  # noqa: F401
from clients.duplicates.models import ClientDuplicate, ContactDuplicate  # noqa: F401
from clients.engagements.models import (  # noqa: F401
    Engagement,
    EngagementKind,
    EngagementParty,
    EngagementStateChange,
    EngagementTeam,
)
from clients.invoices.models import Invoice, Payment  # noqa: F401
from clients.merging.models import ClientMerge, ContactMerge  # noqa: F401
from clients.opportunities.models import Opportunity, Pipeline, Stage, StageChange  # noqa: F401
from clients.records.models import Client, ClientAccess, ClientFacts, ClientTag, ExternalId, StatusPeriod  # noqa: F401
from clients.referrals.models import Referral  # noqa: F401
from clients.revenue.models import Contract, RevenueLine  # noqa: F401
from clients.segments.models import Segment, SegmentChange, SegmentMember, SegmentNote  # noqa: F401
