"""Reads across the rows of this app."""

from typing import Any

from crm.core.models import User
from interactions.choices import Sentiment
from interactions.models import Decision, FollowUp, Interaction
from interactions.timeline import title_of, with_timeline_parts

SHOWN = ("channel", "direction", "occurred_at", "duration_minutes", "subject", "body", "sentiment", "visibility")


def interaction_page(user, interaction) -> dict[str, Any]:
    """The interaction with its people, decisions, follow-ups and the earlier texts, newest first."""
    full = with_timeline_parts(Interaction.objects.filter(pk=interaction.pk)).select_related("client", "author").get()
    return {
        "interaction": full,
        "title": title_of(full),
        "participants": list(full.participants.all()),
        "decisions": list(Decision.objects.visible_to(user).filter(interaction=full)),
        "follow_ups": list(
            FollowUp.objects.visible_to(user)
            .filter(source_kind="interaction", source_id=full.pk)
            .select_related("assignee")
        ),
        "history": history(full),
    }


def history(interaction) -> list[dict[str, Any]]:
    """[{at, who, changes: [(label, before, after)]}] of every correction, newest first; texts in full."""
    events = list(interaction.events.order_by("pgh_id").select_related("pgh_context")[:200])
    names = _names(events)
    steps = []
    for before, after in zip(events, events[1:], strict=False):
        changes = [
            (_label(name), _words(name, before), _words(name, after))
            for name in SHOWN
            if getattr(before, name) != getattr(after, name)
        ]
        if changes:
            steps.append({"at": after.pgh_created_at, "who": names.get(_user_id(after), ""), "changes": changes})
    return steps[::-1]


def last_editor(row) -> str:
    """The name of who saved it last, or ""."""
    event = row.events.order_by("-pgh_id").select_related("pgh_context").first()
    return _names([event]).get(_user_id(event), "") if event else ""


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


def origin_of(user, follow_up):
    """The interaction a follow-up came out of, where the user may see it."""
    if follow_up.source_kind != "interaction":
        return None
    return Interaction.objects.visible_to(user).filter(pk=follow_up.source_id).first()
