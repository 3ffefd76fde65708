from clients.models.client import Client, ClientAccess, ClientFacts, ExternalId, StatusPeriod, Tag
from clients.models.contact import Affiliation, Consent, Contact, ContactEmail, ContactPhone
from clients.models.revenue import Contract, RevenueLine, Service

__all__ = [
    "Affiliation",
    "Client",
    "ClientAccess",
    "ClientFacts",
    "Consent",
    "Contact",
    "ContactEmail",
    "ContactPhone",
    "Contract",
    "ExternalId",
    "RevenueLine",
    "Service",
    "StatusPeriod",
    "Tag",
]
