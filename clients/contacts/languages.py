"""The language of emails to a client."""

from clients.contacts.models import Contact
from clients.records.models import Client
from crm.core.firm.languages import mail_language


def language_for(client: Client, contact: Contact | None = None) -> str:
    """The contact's language, else the client's, else the firm's: the code of the first that emails are written in.

    Without a contact: the language of a text for several people."""
    return mail_language(contact.language if contact else "", client.language)
