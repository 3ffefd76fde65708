"""The fields of an interaction."""

from dataclasses import replace
from functools import partial

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.contacts.models import Contact
from clients.engagements.fields import engagement_field
from clients.records.models import Client
from crm.core.base.reading import PLAIN, Conventions
from crm.core.fields.catalogue import FREE_WORDS, PERSONAL, READ, Catalogue, Field
from crm.core.fields.custom.entries import CustomFields
from crm.core.fields.types import COLLEAGUE, EMAIL, choice, link, several
from crm.core.listing import filters
from interactions.log.choices import Channel, Sentiment
from interactions.log.models import Interaction

FEELING = choice(Sentiment)


def _channels(found):
    return Channel.choices


def read_feeling(text: str, conventions: Conventions = PLAIN) -> int:
    """-2 to 2, as a number or in words."""
    try:
        value = int(text)
    except ValueError:
        return int(FEELING.read(text))
    if not -2 <= value <= 2:
        raise ValueError(_("“%(text)s” is not between -2 and 2.") % {"text": text[:10]})
    return value


FEELINGS = [("", gettext_lazy("Not set")), *((str(value), label) for value, label in Sentiment.choices)]
SHORT = {"widget": partial(forms.TextInput, attrs={"autocomplete": "off"})}

INTERACTION_FIELDS = Catalogue(
    Interaction,
    Field("client", type=link(Client.objects.kept), is_imported=False, is_fixed=True, filter=filters.Id),
    engagement_field(is_imported=True, aliases=("matter", "mandate", "job number", "project", "engagement number")),
    Field(
        "channel",
        aliases=("activity type", "kind"),
        api={"required": True, "label": None},
        input={"initial": Channel.CALL},
        filter={
            "channel": filters.Choices(choices=Channel.choices, offers=_channels, any_label=gettext_lazy("All types"))
        },
    ),
    Field("direction", is_optional=True),
    Field(
        "occurred_at",
        aliases=("date", "datetime", "activity date", "activitydate", "timestamp"),
        is_required=True,
        filter={
            "since": filters.Since(label=gettext_lazy("From")),
            "until": filters.Until(label=gettext_lazy("To")),
        },
        key="when",
    ),
    Field("duration_minutes", aliases=("duration",), input={"max_value": 1440}),
    Field("subject", aliases=("title",), privacy=FREE_WORDS, input=SHORT),
    Field(
        "body",
        aliases=("notes", "note", "description", "text", "comments"),
        privacy=FREE_WORDS,
        input={"max_length": 50_000, "widget": partial(forms.Textarea, attrs={"rows": 4})},
    ),
    Field(
        "sentiment",
        type=replace(FEELING, read=read_feeling),
        header=gettext_lazy("Sentiment (-2 to 2)"),
        aliases=("mood",),
        input={"choices": FEELINGS, "widget": forms.RadioSelect},
        filter={"sentiment": filters.Choice(choices=Sentiment.choices, empty_label=gettext_lazy("Any sentiment"))},
    ),
    Field(
        "contacts",
        type=replace(
            link(Contact.objects.kept),
            read=lambda text, conventions=PLAIN: [EMAIL.read(address) for address in several(text)],
        ),
        cell="contact_email",
        header=gettext_lazy("Contact’s email"),
        aliases=("email", "email address", "respondent", "respondent email"),
        is_lenient=True,
        privacy=PERSONAL,
        input={"widget": forms.CheckboxSelectMultiple},
        filter={"contact": filters.Id(label=gettext_lazy("With"), chip=gettext_lazy("With"), named=Contact)},
    ),
    Field(
        "participants",
        type=COLLEAGUE,
        aliases=("participants", "colleagues", "attendees"),
        input={"widget": forms.CheckboxSelectMultiple},
    ),
    Field(
        "author",
        type=COLLEAGUE,
        aliases=("owner", "user", "created by"),
        api=READ,
        filter={"author": filters.PersonId(any_label=gettext_lazy("Everyone"))},
    ),
    Field("author_contact", is_imported=False, api=READ, privacy=PERSONAL),
    Field("visibility", aliases=("visibility",), filter=filters.Choice),
    Field("is_pinned", is_imported=False, api=READ),
    internal={"custom": "the values of the firm's own fields"},
    custom=CustomFields(
        "interaction",
        gettext_lazy("Interactions"),
        Channel.choices,
        kind_column="channel",
        order=60,
        is_inline=True,
    ),
)
