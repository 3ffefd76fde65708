"""Import kinds of this app; `clients/hooks.py` registers them."""

from clients.imports.clients import CLIENTS
from clients.imports.contacts import CONTACTS
from clients.imports.contracts import CONTRACTS
from clients.imports.revenue import REVENUE

KINDS = (CLIENTS, CONTACTS, CONTRACTS, REVENUE)
__all__ = ["KINDS"]
