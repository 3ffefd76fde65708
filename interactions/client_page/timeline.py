"""This app's entries in a client's timeline. One query each."""

from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import CharField, Exists, OuterRef, Q, Value
from django.db.models.functions import Concat, JSONObject
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.contacts.models import Contact
from clients.cover.queries import is_covering, was_covering
from clients.records import nps
from clients.registry import TimelineItem, TimelineSource
from crm.core.base.arrays import Within
from crm.core.base.kept import Kept
from interactions.agreements.models import Decision
from interactions.follow_ups.choices import FollowUpState, SourceKind
from interactions.follow_ups.models import FollowUp
from interactions.log.choices import Channel, Sentiment, Visibility
from interactions.log.models import Interaction
from interactions.log.queries import title_of
from interactions.surveys.models import SurveyResponse
from interactions.templatetags.interactions import channel_icon

PINNED_AT_MOST = 10
NOTE = "note"  # the kind of an entry
WORDS = {  # words of an entry, looked up once per page
    "pinned": gettext_lazy("Pinned"),
    "more": gettext_lazy("More for"),
    "minutes": gettext_lazy("min"),
    "with": gettext_lazy("with"),
    "written_by": gettext_lazy("written by"),
    "logged_by": gettext_lazy("logged by"),
    "corrected": gettext_lazy("edited"),
    "agreed": gettext_lazy("Agreed"),
    "confirmed": gettext_lazy("confirmed by the client"),
    "shared": gettext_lazy("shared with the client"),
}


def with_timeline_parts(queryset):
    """Load the names of contacts and the decisions with each interaction, without further queries."""
    names = Concat("first_name", Value(" "), "last_name", output_field=CharField())
    contacts = Contact.objects.filter(interactions=OuterRef("pk")).order_by("pk").annotate(full=names).values("full")
    decisions = Decision.objects.filter(interaction=OuterRef("pk")).order_by("pk")
    fields = JSONObject(id="pk", text="text", is_shared="is_shared", confirmed_at="confirmed_at")
    return queryset.select_related("author", "author_contact").annotate(
        contact_names=ArraySubquery(contacts),
        agreed=ArraySubquery(decisions.values_list(fields)),
        is_cover=was_covering("author", "client", "occurred_at"),
    )


@Kept
def _interactions(
    principal,
    limit: int,
    kind: str,
    text: str,
    *,
    client_id: int,
    before: datetime | None,
    user_id: int | None,
    contact_id: int | None,
    engagement_id: int | None,
):
    rows = Interaction.objects.visible_to(principal).filter(client=client_id).kept()
    if kind:
        rows = rows.filter(channel=Channel.NOTE) if kind == NOTE else rows.contacts_made()
    if text:
        agreed = Decision.objects.filter(interaction=OuterRef("pk"), text__icontains=text)
        rows = rows.filter(Q(subject__icontains=text) | Q(body__icontains=text) | Exists(agreed))
    if user_id is not None:
        took_part = Interaction.participants.through.objects.filter(interaction=OuterRef("pk"), user=user_id)
        rows = rows.filter(Q(author=user_id) | Exists(took_part))
    if contact_id is not None:
        with_them = Interaction.contacts.through.objects.filter(interaction=OuterRef("pk"), contact=contact_id)
        rows = rows.filter(Q(author_contact=contact_id) | Exists(with_them))
    if engagement_id is not None:
        rows = rows.filter(engagement=engagement_id)
    ordered = rows.order_by("-occurred_at", "-id").values("pk")
    loose, at_most = ordered.filter(is_pinned=False), limit
    if before is None:
        parts = [loose[:limit], ordered.filter(is_pinned=True)[:PINNED_AT_MOST]]
        at_most += PINNED_AT_MOST
    else:
        parts = [loose.filter(occurred_at__lt=before)[:limit]]
    chosen = Interaction.objects.filter(
        Within("pk", *parts)
    )  # ids first, along the index; the rest of these rows alone
    return with_timeline_parts(chosen).order_by("-occurred_at", "-id")[:at_most]


def interaction_items(principal, client, ask):
    """Interactions; pinned ones of any age are on the first page and not repeated."""
    reader = Reader(
        principal.user_id,
        may_change=client.archived_at is None,
        may_correct_all=principal.sees_all or client.owner_id == principal.user_id or is_covering(principal, client),
        covered=_("covering for %(name)s") % {"name": client.owner.name},
    )
    found = _interactions.rows(principal, ask.limit, ask.kind, ask.text, client_id=client.pk, **ask.given)
    return [_interaction_item(row, reader) for row in found]


class Reader:
    """What all entries of a page share: the reader's rights, and the words in their language, looked up once."""

    def __init__(self, user_id: int | None, *, may_change: bool, may_correct_all: bool, covered: str):
        self.user_id, self.may_change, self.may_correct_all = user_id, may_change, may_correct_all
        self.covered = covered
        self.words = {name: str(word) for name, word in WORDS.items()}
        self.channels, self.sentiments, self.visibilities = map(_labels, (Channel, Sentiment, Visibility))

    def menu_of(self, row) -> str:
        """The flags of the entry's menu (templates/interactions/client_page/entry_menu.html); "" for no menu."""
        if not self.may_change:
            return ""
        flags = ["pinned" if row.is_pinned else "loose"]
        return " ".join([*flags, "correct"] if self.may_correct_all or row.author_id == self.user_id else flags)


def _labels(choices) -> dict[Any, str]:
    return {value: str(label) for value, label in choices.choices}


def _interaction_item(row, reader: Reader):
    is_note = row.channel == Channel.NOTE
    author = reader.words["written_by" if is_note else "logged_by"]
    minutes = f" · {row.duration_minutes} {reader.words['minutes']}" if row.duration_minutes else ""
    people = f" · {reader.words['with']} {', '.join(row.contact_names)}" if row.contact_names else ""
    covering = f", {reader.covered}" if row.is_cover else ""
    return TimelineItem(
        at=row.occurred_at,
        key=f"interaction-{row.pk}",
        kind=NOTE if is_note else "contact",
        title=title_of(row),
        icon=channel_icon(row.channel),
        template="interactions/client_page/timeline_interaction.html",
        object=row,
        is_pinned=row.is_pinned,
        extra={
            "words": reader.words,
            "channel": reader.channels[row.channel],
            "meta": f"{minutes}{people} · {author} {row.author_name}{covering}",
            "sentiment": reader.sentiments.get(row.sentiment, ""),
            "visibility": "" if row.visibility == Visibility.FIRM else reader.visibilities[row.visibility],
            "is_hidden": row.visibility in (Visibility.PRIVATE, Visibility.TEAM),
            "menu": reader.menu_of(row),
        },
    )


@Kept
def _follow_ups(
    principal,
    limit: int,
    text: str,
    *,
    client_id: int,
    before: datetime | None,
    user_id: int | None,
    contact_id: int | None,
    engagement_id: int | None,
):
    """The latest that were done, and the latest that were entered: each is a range of an index."""
    rows = FollowUp.objects.visible_to(principal).filter(client=client_id)
    if text:
        rows = rows.filter(Q(title__icontains=text) | Q(outcome__icontains=text))
    if user_id is not None:
        rows = rows.filter(Q(assignee=user_id) | Q(closed_by=user_id))
    if contact_id is not None:
        rows = rows.filter(Q(contact=contact_id) | Q(closed_by_contact=contact_id))
    if engagement_id is not None:
        rows = rows.filter(engagement=engagement_id)
    done = rows.filter(state=FollowUpState.DONE, closed_at__isnull=False)
    made = rows.filter(source_kind__in=[SourceKind.MANUAL, SourceKind.RULE])
    if before is not None:
        done, made = done.filter(closed_at__lt=before), made.filter(created_at__lt=before)
    last_done = done.order_by("-closed_at").values("pk")[:limit]
    last_made = made.order_by("-created_at").values("pk")[:limit]
    chosen = FollowUp.objects.filter(Within("pk", last_done, last_made))
    return chosen.select_related("assignee", "closed_by", "closed_by_contact")


def follow_up_items(principal, client, ask):
    """Follow-ups that were done, or entered by hand or by a rule; the interaction shows those planned with it."""
    items, before = [], ask.before
    for row in _follow_ups.rows(principal, ask.limit, ask.text, client_id=client.pk, **ask.given):
        if row.state == FollowUpState.DONE and (before is None or row.closed_at < before):
            who = row.closed_by_name
            items.append(
                _quiet(
                    row,
                    row.closed_at,
                    "done",
                    _("Follow-up “%(what)s” done by %(who)s") % {"what": row.title, "who": who},
                )
            )
        if row.source_kind in (SourceKind.MANUAL, SourceKind.RULE) and (before is None or row.created_at < before):
            words = _("Follow-up “%(what)s” added for %(who)s") % {"what": row.title, "who": row.assignee.name}
            items.append(_quiet(row, row.created_at, "made", words))
    return sorted(items, key=lambda item: item.at, reverse=True)[: ask.limit]


def _quiet(row, at, what, title):
    return TimelineItem(
        at=at,
        key=f"follow-up-{row.pk}-{what}",
        kind="follow-up",
        title=title,
        icon="check2",
        tone="quiet",
        object=row,
        extra={"text": row.outcome if what == "done" else ""},
        template="interactions/client_page/timeline_follow_up.html",
    )


@Kept
def _answers(principal, limit: int, text: str, *, client_id: int, before: datetime | None, contact_id: int | None):
    rows = SurveyResponse.objects.visible_to(principal).filter(client=client_id).kept()
    if text:
        rows = rows.filter(comment__icontains=text)
    if contact_id is not None:
        rows = rows.filter(contact=contact_id)
    if before is not None:
        rows = rows.filter(answered_at__lt=before)
    return rows.select_related("survey", "contact").order_by("-answered_at", "-id")[:limit]


def survey_items(principal, client, ask):
    if ask.user_id or ask.engagement_id:
        return []
    given = {"client_id": client.pk, "before": ask.before, "contact_id": ask.contact_id}
    return [_survey_item(row) for row in _answers.rows(principal, ask.limit, ask.text, **given)]


BAND_ICONS = {nps.PROMOTERS: "emoji-smile", nps.PASSIVES: "emoji-neutral", nps.DETRACTORS: "emoji-frown"}


def _survey_item(row):
    title = _("%(survey)s answer: %(score)d") % {"survey": row.survey.name, "score": row.score}
    return TimelineItem(
        at=row.answered_at,
        key=f"survey-{row.pk}",
        kind="survey",
        title=title,
        icon=BAND_ICONS.get(row.band, "emoji-neutral"),
        object=row,
        template="interactions/client_page/timeline_survey.html",
    )


SOURCES = [
    TimelineSource(
        "interactions",
        [("contact", gettext_lazy("Conversations")), (NOTE, gettext_lazy("Notes"))],
        interaction_items,
        0,
        shared="interactions/client_page/entry_menu.html",
    ),
    TimelineSource("follow-ups", [("follow-up", gettext_lazy("Follow-ups"))], follow_up_items, 10),
    TimelineSource("surveys", [("survey", gettext_lazy("Survey answers"))], survey_items, 20),
]
