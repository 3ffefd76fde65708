"""The fields of a follow-up."""

from clients.contacts.models import Contact
from clients.records.models import Client
from crm.core.fields.catalogue import FREE_WORDS, PERSONAL, READ, Catalogue, Field
from crm.core.fields.types import COLLEAGUE, ZONE, link
from interactions.follow_ups.models import FollowUp

FOLLOW_UP_FIELDS = Catalogue(
    FollowUp,
    Field("client", type=link(Client.objects.kept), is_fixed=True, sort="client__name_key"),
    Field("contact", type=link(Contact.objects.kept), privacy=PERSONAL),
    Field("title", privacy=FREE_WORDS, sort="title"),
    Field("note", privacy=FREE_WORDS),
    Field("assignee", type=COLLEAGUE, api={"required": False}, sort="assignee__name"),
    Field("author", api=READ),
    Field("author_contact", api=READ, privacy=PERSONAL),
    Field("due_date"),
    Field("due_time"),
    Field("time_zone", type=ZONE),
    Field("due_at", api=READ, sort="due_at"),
    Field("rrule"),
    Field("priority", sort="priority"),
    Field("state", api=READ),
    Field("snoozed_until", api=READ),
    Field("outcome", api=READ, privacy=FREE_WORDS),
    Field("closed_at", api=READ, sort="closed_at"),
    Field("closed_by", api=READ),
    Field("closed_by_contact", api=READ, privacy=PERSONAL),
    Field("source_kind", api=READ),
    Field("source_id", api=READ),
    internal={
        "remind_at": "when the reminder is due, computed from the due time",
        "reminder_number": "counts the reminders sent",
    },
)
