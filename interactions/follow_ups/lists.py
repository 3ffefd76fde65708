"""The list of follow-ups, by assignee and by state, and what can be done with several at once."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from clients.cover.queries import covered_by
from crm.core.base.dates import day_start
from crm.core.base.errors import ServiceError
from crm.core.bulk.editing import bulk_edit
from crm.core.listing import filters
from crm.core.listing.pages import Column, ListPage
from crm.core.listing.selection import NO_CHANGE, Action, actions, hand_over
from crm.core.notifications.services import tells_once
from crm.core.search.sources import palette
from crm.core.templatetags.ui import due
from crm.core.users.models import User
from interactions.follow_ups.boards import DUE_BOARD, STATE_BOARD, move_back, open_again, unless_changed
from interactions.follow_ups.choices import FollowUpState
from interactions.follow_ups.fields import FOLLOW_UP_FIELDS
from interactions.follow_ups.models import FollowUp
from interactions.follow_ups.services import (
    cancel_follow_up,
    complete_follow_up,
    reassign_follow_up,
    reopen_follow_up,
    update_follow_up,
)


class FollowUpFilters(filters.ListFilters):
    catalogue = FOLLOW_UP_FIELDS
    who = filters.Choice(
        choices=[("mine", _("Mine")), ("team", _("My team’s")), ("all", _("All"))],
        method="of_whom",
        label=_("Assigned to"),
    )
    covered = filters.Yes(
        method="of_the_absent",
        label=_("I cover"),
        help_text=_("Assigned to colleagues who are away"),
        chip=_("Only"),
        said=lambda value, principal: _("those I cover"),
    )
    show = filters.Choice(
        choices=[
            ("open", _("Open")),
            ("overdue", _("Overdue")),
            ("today", _("Today")),
            ("coming", _("Upcoming")),
            ("snoozed", _("Snoozed")),
            ("done", _("Done")),
        ],
        method="of_part",
        label=_("Which"),
    )

    def of_whom(self, rows, name, value):
        user = self.principal.user
        if value == "team":
            mates = User.objects.filter(memberships__team__in=user.memberships.values("team_id"))
            return rows.filter(assignee__in=mates.values("pk"))
        return rows.filter(assignee=user) if value == "mine" else rows

    def of_the_absent(self, rows, name, value: bool):
        return rows.filter(assignee__in=covered_by(self.principal).values("absent")) if value else rows

    def of_part(self, rows, name, value):
        if value == "done":
            return rows.filter(state=FollowUpState.DONE)
        rows = rows.open()
        if value == "snoozed":
            return rows.filter(snoozed_until__gt=self.now)
        today, tomorrow = day_start(self.now), day_start(self.now, 1)
        rows = rows.awake(self.now)
        parts = {
            "overdue": lambda: rows.due_before(today),
            "today": lambda: rows.due_from(today).due_before(tomorrow),
            "coming": lambda: rows.due_from(tomorrow),
        }
        return parts[value]() if value in parts else rows


def _give(principal, row, now, assignee):
    seen = row.seen_version
    reassign_follow_up(principal, follow_up=row, assignee=assignee, now=now, seen_version=seen, is_told=False)


def _told(n):
    words = ngettext("%%(who)s assigned %(n)d follow-up to you", "%%(who)s assigned %(n)d follow-ups to you", n)
    return words % {"n": n}


def _done(principal, row, values, now):
    if row.state == FollowUpState.DONE:
        raise ServiceError(str(NO_CHANGE))
    return complete_follow_up(principal, follow_up=row, now=now).version


def _cancel(principal, row, values, now):
    if row.state == FollowUpState.CANCELLED:
        raise ServiceError(str(NO_CHANGE))
    return cancel_follow_up(principal, follow_up=row, now=now).version


def _reopen(principal, row, version, now):
    unless_changed(row, version)
    reopen_follow_up(principal, follow_up=row, now=now)


def _open_again(principal, row, values, now):
    return open_again(principal, row, now)


def _is_open(values):
    """Whether the list may show open ones."""
    state = values.get("state")
    return values.get("show") != "done" and (not state or FollowUpState.OPEN in state)


def _is_closed(values):
    return not _is_open(values)


def _write(principal, row, *, seen_version, now, **fields):
    return update_follow_up(principal, follow_up=row, seen_version=seen_version, now=now, **fields)


EDIT = bulk_edit(
    "follow-ups.edit",
    FOLLOW_UP_FIELDS,
    _write,
    but=("title", "contact", "engagement", "assignee"),  # of one client; assigning tells who gets them
    fits=_is_open,
)
ACTIONS = (
    actions.register(Action("follow-ups.done", _("Mark as done"), FollowUp, _done, _reopen, "check2", fits=_is_open)),
    hand_over(
        "follow-ups.reassign",
        _("Reassign"),
        FollowUp,
        _give,
        _("Who"),
        "assignee",
        afterwards=tells_once(_told, "interactions:follow-ups", "assignee"),
        fits=_is_open,
    ),
    EDIT,
    actions.register(
        Action(
            "follow-ups.reopen",
            _("Reopen"),
            FollowUp,
            _open_again,
            move_back,
            "arrow-counterclockwise",
            fits=_is_closed,
        )
    ),
    actions.register(Action("follow-ups.cancel", _("Cancel them"), FollowUp, _cancel, _reopen, "x", fits=_is_open)),
)


def _due(row):
    return due(row.due, done=row.state != FollowUpState.OPEN, snoozed=row.snoozed_until)


FOLLOW_UPS = ListPage(
    url_name="interactions:follow-ups",
    title=_("Follow-ups"),
    template="interactions/follow_ups/list.html",
    rows=lambda principal: FollowUp.objects.visible_to(principal),
    select=lambda rows: rows.select_related("client", "contact", "assignee", "closed_by", "closed_by_contact"),
    filters=FollowUpFilters,
    segments=("who", "show"),
    has_columns=False,
    remembers=False,
    defaults=lambda principal: {"who": "mine", "show": "open"},
    sorts={"due": "due_at", "closed": "-closed_at"},
    default_sort=lambda values: "closed" if values.get("show") == "done" else "due",
    columns=(
        FOLLOW_UP_FIELDS["title"].in_list(_("Follow-up"), href=lambda row: f"/follow-ups/{row.pk}/"),
        FOLLOW_UP_FIELDS["client"].in_list(),
        FOLLOW_UP_FIELDS["contact"].in_list(_("Contact")),
        FOLLOW_UP_FIELDS["assignee"].in_list(_("Assigned to")),
        Column("due", FOLLOW_UP_FIELDS["due_at"].label, lambda row: row.due, cell=_due),
        FOLLOW_UP_FIELDS["state"].in_list(),
        FOLLOW_UP_FIELDS["outcome"].in_list(),
    ),
    groups=tuple(FOLLOW_UP_FIELDS[name].in_groups() for name in ("assignee", "priority")),
    boards=(DUE_BOARD, STATE_BOARD),
    card_columns=("client", "due", "assignee"),
    size=50,
    noun=lambda n, text: ngettext("%(n)s follow-up", "%(n)s follow-ups", n) % {"n": text},
    file_name="follow-ups",
    more=lambda listing: {"new": palette["new-follow-up"].hit()},
    actions=ACTIONS,
)
