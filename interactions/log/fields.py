"""The fields of an interaction."""

from dataclasses import replace

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.contacts.models import Contact
from clients.records.models import Client
from crm.core.base.reading import PLAIN, Conventions
from crm.core.fields.catalogue import FREE_WORDS, PERSONAL, READ, Catalogue, Field
from crm.core.fields.types import COLLEAGUE, EMAIL, choice, link, several
from interactions.log.choices import Sentiment
from interactions.log.models import Interaction

FEELING = choice(Sentiment)


def read_feeling(text: str, conventions: Conventions = PLAIN) -> int:
    """-2 to 2, as a number or in words."""
    try:
        value = int(text)
    except ValueError:
        return int(FEELING.read(text))
    if not -2 <= value <= 2:
        raise ValueError(_("“%(text)s” is not between -2 and 2.") % {"text": text[:10]})
    return value


INTERACTION_FIELDS = Catalogue(
    Interaction,
    Field("client", type=link(Client.objects.kept), is_imported=False, is_fixed=True, sort="client__name_key"),
    Field("channel", aliases=("activity type", "kind"), api={"required": True, "label": None}),
    Field("direction"),
    Field(
        "occurred_at",
        aliases=("date", "datetime", "activity date", "activitydate", "timestamp"),
        is_required=True,
        sort="occurred_at",
    ),
    Field("duration_minutes", aliases=("duration",)),
    Field("subject", aliases=("title",), privacy=FREE_WORDS),
    Field("body", aliases=("notes", "note", "description", "text", "comments"), privacy=FREE_WORDS),
    Field(
        "sentiment",
        type=replace(FEELING, read=read_feeling),
        header=gettext_lazy("How they felt (-2 to 2)"),
        aliases=("mood",),
    ),
    Field(
        "contacts",
        type=replace(
            link(Contact.objects.kept),
            read=lambda text, conventions=PLAIN: [EMAIL.read(address) for address in several(text)],
        ),
        cell="contact_email",
        header=gettext_lazy("Contact’s e-mail"),
        aliases=("email", "email address", "respondent", "respondent email"),
        is_lenient=True,
        privacy=PERSONAL,
    ),
    Field("participants", type=COLLEAGUE, aliases=("participants", "colleagues", "attendees")),
    Field("author", type=COLLEAGUE, aliases=("owner", "user", "created by"), api=READ),
    Field("author_contact", is_imported=False, api=READ, privacy=PERSONAL),
    Field("visibility", aliases=("visibility",)),
    Field("is_pinned", is_imported=False, api=READ),
)
