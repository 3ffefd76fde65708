"""Import kinds of this app; `clients/hooks.py` registers them."""

from clients.importing.clients.kind import CLIENTS
from clients.importing.contacts import CONTACTS
from clients.importing.engagements import ENGAGEMENTS
from clients.importing.invoices import INVOICES
from clients.importing.opportunities import OPPORTUNITIES
from clients.importing.revenue import CONTRACTS, RATES, REVENUE

KINDS = (CLIENTS, CONTACTS, ENGAGEMENTS, CONTRACTS, REVENUE, RATES, OPPORTUNITIES, INVOICES)
