"""In which language a client is written to."""

from clients.contacts.models import Contact
from clients.records.models import Client
from crm.core.firm.languages import mail_language


def language_for(client: Client, contact: Contact | None = None) -> str:
    """The contact's language, else the client's, else the firm's: the code of the first that mails are written in.

    Without a contact it is the language of what is written once for several people."""
    return mail_language(contact.language if contact else "", client.language)
