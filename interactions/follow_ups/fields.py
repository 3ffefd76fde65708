"""The fields of a follow-up."""

from functools import partial

from django import forms
from django.utils.translation import gettext_lazy as _

from clients.contacts.models import Contact
from clients.engagements.fields import engagement_field
from clients.records.models import Client
from crm.core.fields.catalogue import FREE_WORDS, PERSONAL, READ, Catalogue, Field
from crm.core.fields.forms import UserField
from crm.core.fields.types import COLLEAGUE, ZONE, link
from crm.core.listing import filters
from crm.core.listing.paging import Sort
from crm.core.ui.forms import TO_COME, DateInput
from interactions.follow_ups.choices import REPEATS
from interactions.follow_ups.models import FollowUp

FOLLOW_UP_FIELDS = Catalogue(
    FollowUp,
    Field("client", type=link(Client.objects.kept), is_fixed=True, filter=filters.Id),
    engagement_field(),
    Field("contact", type=link(Contact.objects.kept), privacy=PERSONAL),
    Field(
        "title",
        _("What needs doing?"),
        privacy=FREE_WORDS,
        input={"widget": partial(forms.TextInput, attrs={"autocomplete": "off"})},
    ),
    Field("note", privacy=FREE_WORDS, input={"max_length": 10_000}),
    Field(
        "assignee",
        type=COLLEAGUE,
        api={"required": False},
        input=partial(UserField, empty_label=None),
        filter=filters.PersonId,
    ),
    Field("author", api=READ),
    Field("author_contact", api=READ, privacy=PERSONAL),
    Field("due_date", input={"widget": partial(DateInput, attrs=TO_COME)}),
    Field("due_time", hint=_("Leave empty for end of day (17:00).")),
    Field("time_zone", type=ZONE, is_optional=True),
    Field(
        "due_at",
        _("Due"),
        api=READ,
        filter={
            "due_from": filters.Moment(lookup_expr="gte", label=_("Due from")),
            "due_until": filters.Moment(lookup_expr="lt", label=_("Due before")),
        },
        key="due",
        sort=Sort("due_at"),
    ),
    Field(
        "rrule",
        hint=_("Moves to the next working day if it falls on a holiday."),
        input=partial(forms.ChoiceField, choices=REPEATS),
    ),
    Field("priority", filter=filters.Choice),
    Field("state", api=READ, filter=filters.Choice),
    Field("snoozed_until", api=READ),
    Field("outcome", _("Outcome"), api=READ, privacy=FREE_WORDS),
    Field("closed_at", api=READ),
    Field("closed_by", api=READ),
    Field("closed_by_contact", api=READ, privacy=PERSONAL),
    Field("source_kind", api=READ),
    Field("source_id", api=READ),
    internal={
        "remind_at": "when the reminder is due, computed from the due time",
        "reminder_number": "counts the reminders sent",
    },
)
