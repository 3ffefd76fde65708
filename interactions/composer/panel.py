"""The variables of the composer on a client's page."""

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from clients import registry
from clients.contacts.queries import people_of
from clients.engagements.words import one
from crm.core.base.reading import whole_number
from crm.core.drafts.models import Draft
from crm.core.drafts.services import find_draft
from crm.core.fields.custom.choices import Kind
from crm.core.users.models import User
from interactions.composer.forms import OTHER_DAY, LogForm
from interactions.log.choices import DRAFT_KIND, Channel
from interactions.log.fields import INTERACTION_FIELDS
from interactions.templatetags.interactions import channel_icon

CHIPS_AT_MOST = 8
MAIN_CHANNELS = (Channel.NOTE, Channel.CALL, Channel.EMAIL, Channel.MEETING, Channel.CHAT)
LISTS = ("contacts", "participants")


def new_form(principal, client, now: datetime, *, affiliations=None) -> tuple[LogForm, Draft | None]:
    """An empty form, or what the user was typing for this client."""
    today = timezone.localtime(now).date()
    draft = find_draft(principal=principal, kind=DRAFT_KIND, client_id=client.pk)
    initial = _from_draft(draft) if draft else _fresh(client, now, affiliations)
    return LogForm(client=client, user=principal.user, today=today, initial=initial), draft


def _fresh(client, now, affiliations):
    people = affiliations if affiliations is not None else people_of(client)
    main = [row.contact_id for row in people if row.is_primary]
    return {"occurred_at": now, "contacts": main, "channel": Channel.CALL}


def _from_draft(draft) -> dict[str, Any]:
    initial = {}
    lists = {*LISTS, *(f.name for f in INTERACTION_FIELDS.custom.values() if f.definition.kind == Kind.CHOICES)}
    for name, value in draft.data.items():
        several = value if isinstance(value, list) else [value]
        initial[name] = several if name in lists else (several[-1] if several else "")
    return initial


def own_fields(form: LogForm, *, is_whole: bool = False) -> dict[str, Any]:
    """Whether the composer asks for the firm's own fields: those that are `needed` at once, the others when they are opened, unless one
    has a value or an error, or on a page that shows everything."""
    if not form.custom_names:
        return {}
    needed = [name for name in form.custom_names if form.fields[name].required]
    others = [name for name in form.custom_names if name not in needed]
    is_wrong = any(form[name].errors for name in others)
    is_shown = is_whole or form.is_bound or any(form[name].value() not in (None, "", []) for name in others)
    return {"needed": bool(needed), "others": bool(others), "is_shown": is_shown, "is_wrong": is_wrong}


def context(
    principal,
    client,
    now: datetime,
    *,
    form: LogForm | None = None,
    channel: str = "",
    contact: str = "",
    engagement: str = "",
    is_whole: bool = False,
) -> dict[str, Any]:
    """The variables of interactions/composer/composer.html; at most three queries. `channel`, `contact`, `engagement`: preselected
    values. `is_whole`: a page of its own.
    """
    people = people_of(client)
    draft = None
    if form is None:
        form, draft = new_form(principal, client, now, affiliations=people)
        if channel in Channel.values:
            form.initial["channel"] = channel
        if any(str(row.contact_id) == contact for row in people):
            form.initial["contacts"] = [int(contact)]
        if "engagement" in form.fields and whole_number(engagement):
            form.initial["engagement"] = whole_number(engagement)
    chosen = {str(value) for value in form["contacts"].value() or []}
    shown = people[:CHIPS_AT_MOST] + [row for row in people[CHIPS_AT_MOST:] if str(row.contact_id) in chosen]
    helpers = {str(value) for value in form["participants"].value() or []}
    local = timezone.localtime(now)
    return {
        "client": client,
        "form": form,
        "draft": draft,
        "people": [
            {"id": row.contact_id, "name": row.contact.name, "is_on": str(row.contact_id) in chosen} for row in shown
        ],
        "more_people": max(0, len(people) - len(shown)),
        "helpers": list(User.objects.filter(pk__in=[h for h in helpers if whole_number(h)])) if helpers else [],
        "next_user": User.objects.filter(pk=form["next_assignee"].value()).first()
        if whole_number(form["next_assignee"].value())
        else None,
        "channels": _channels(form["channel"].value()),
        "quick_days": form.quick_days,
        "other_day": OTHER_DAY,
        "day_is_other": form["next_day"].value() not in dict(form.quick_days),
        "one": one() if "engagement" in form.fields else "",
        "own": own_fields(form, is_whole=is_whole),
        "today": local.date(),
        "untouched": "" if draft or form.is_bound else form["occurred_at"].value().strftime("%Y-%m-%dT%H:%M"),
        "url": reverse("interactions:log", args=[client.pk]) + (f"?engagement={engagement}" if engagement else ""),
        "draft_url": reverse("interactions:draft", args=[client.pk]),
        "discard_url": reverse("interactions:draft-discard", args=[client.pk]),
    }


def _channels(chosen):
    """The channels as tabs (`is_main`) or under “More”, with the texts of the button and the field."""
    order = [*MAIN_CHANNELS, *(channel for channel in Channel if channel not in MAIN_CHANNELS)]
    return [
        {
            "value": channel.value,
            "label": channel.label,
            "is_main": channel in MAIN_CHANNELS,
            "is_on": channel == chosen,
            "icon": channel_icon(channel),
            "submit": _("Save note")
            if channel == Channel.NOTE
            else _("Log %(what)s") % {"what": str(channel.label).lower()},
            "placeholder": _("What is worth noting?") if channel == Channel.NOTE else _("What was said?"),
        }
        for channel in order
    ]


@registry.engagement_panel("composer", "main", 10, "interactions/composer/composer.html")
def engagement_panel(principal, engagement, now: datetime) -> dict[str, Any] | None:
    """The composer on the page of an engagement, which what is logged carries."""
    if engagement.archived_at is not None or engagement.client.archived_at is not None or not engagement.is_current:
        return None
    return context(principal, engagement.client, now, engagement=str(engagement.pk))


@registry.panel("composer", "main", 10, "interactions/composer/composer.html")
def panel(principal, client, now: datetime) -> dict[str, Any] | None:
    """The composer on the client's page; None for an archived client."""
    return context(principal, client, now) if client.archived_at is None else None


def list_rows(principal, client, part: str, chosen) -> list[dict[str, Any]]:
    """[{id, name, is_on}] for the long lists of the composer: the client's further contacts, or colleagues. `chosen` ids are on."""
    on = {str(value) for value in chosen}
    if part == "contacts":
        rows = [(row.contact_id, row.contact.name) for row in people_of(client)[CHIPS_AT_MOST:]]
    else:
        rows = list(User.objects.active().exclude(pk=principal.user_id).values_list("pk", "name"))
    return [{"id": pk, "name": name, "is_on": str(pk) in on} for pk, name in rows]
