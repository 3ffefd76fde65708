"""The corrections, the title and the origin of log entries."""

from typing import Any

from django.utils.translation import gettext as _

from crm.core.fields.catalogue import custom_of
from crm.core.users.models import User
from interactions.log.choices import Channel, Sentiment
from interactions.log.models import Interaction

SHOWN = ("channel", "direction", "occurred_at", "duration_minutes", "subject", "body", "sentiment", "visibility")


def history(principal, interaction) -> list[dict[str, Any]]:
    """[{at, who, changes: [(label, before, after)]}] for each correction, newest first; texts in full. Only between
    versions that were visible to the principal.
    """
    events = Interaction.objects.history_visible_to(principal).filter(pgh_obj_id=interaction.pk)
    events = list(events.order_by("pgh_id").select_related("pgh_context")[:200])
    names = _names(events)
    steps = []
    for before, after in zip(events, events[1:], strict=False):
        changes = [
            (_label(name), _words(name, before), _words(name, after))
            for name in SHOWN
            if getattr(before, name) != getattr(after, name)
        ]
        changes += custom_of(Interaction).changes(before.custom, after.custom)
        if changes:
            steps.append({"at": after.pgh_created_at, "who": names.get(_user_id(after), ""), "changes": changes})
    return steps[::-1]


def _user_id(event):
    return (event.pgh_context.metadata or {}).get("user") if event.pgh_context else None


def _names(events):
    return dict(User.objects.filter(pk__in={_user_id(event) for event in events} - {None}).values_list("pk", "name"))


def _label(name):
    return Interaction._meta.get_field(name).verbose_name


def _words(name, event):
    value = getattr(event, name)
    if name == "sentiment":
        return "" if value is None else Sentiment(value).label
    choices = dict(Interaction._meta.get_field(name).flatchoices)
    return choices.get(value, value) if value is not None else ""


def origin_of(principal, follow_up):
    """The interaction that a follow-up was planned from; None if none is visible to the principal."""
    if follow_up.source_kind != "interaction":
        return None
    return Interaction.objects.visible_to(principal).filter(pk=follow_up.source_id).first()


def title_of(interaction) -> str:
    """The subject, else the kind and the contact: “Call with Elina Saari”."""
    if interaction.subject:
        return interaction.subject
    label = interaction.get_channel_display()
    names = [name.strip() for name in getattr(interaction, "contact_names", [])]
    if names and interaction.channel != Channel.NOTE:
        return _("%(what)s with %(who)s") % {"what": label, "who": ", ".join(names[:2])}
    return label
