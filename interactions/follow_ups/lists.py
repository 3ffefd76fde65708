"""The list of follow-ups, by assignee and by state."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from crm.core.base.dates import day_start
from crm.core.listing.paging import Sort, paginate
from crm.core.users.models import User
from interactions.follow_ups.choices import FollowUpState
from interactions.follow_ups.models import FollowUp

WHOSE = ("mine", "team", "all")
WHICH = ("open", "overdue", "today", "coming", "snoozed", "done")


def words() -> tuple[dict[str, str], dict[str, str]]:
    whose = {"mine": _("Mine"), "team": _("My team’s"), "all": _("All")}
    which = {
        "open": _("Open"),
        "overdue": _("Overdue"),
        "today": _("Today"),
        "coming": _("Coming"),
        "snoozed": _("Snoozed"),
        "done": _("Done"),
    }
    return whose, which


def page(principal, query, now: datetime) -> dict[str, Any]:
    """Context of interactions/follow_ups/list.html. Raises BadCursor."""
    whose = query.get("who") if query.get("who") in WHOSE else "mine"
    which = query.get("show") if query.get("show") in WHICH else "open"
    rows = select(principal, whose, which, now).select_related(
        "client", "contact", "assignee", "closed_by", "closed_by_contact"
    )
    sort = Sort("closed_at", descending=True) if which == "done" else Sort("due_at")
    found = paginate(rows, sort=sort, cursor=query.get("cursor", ""), size=50)
    whose_words, which_words = words()
    return {
        "page": found,
        "who": whose,
        "show": which,
        "now": now,
        "whose": [{"key": key, "label": label} for key, label in whose_words.items()],
        "which": [{"key": key, "label": label} for key, label in which_words.items()],
    }


def select(principal, whose: str, which: str, now: datetime):
    rows = FollowUp.objects.visible_to(principal)
    if whose == "mine":
        rows = rows.filter(assignee=principal.user)
    elif whose == "team":
        mates = User.objects.filter(memberships__team__in=principal.user.memberships.values("team_id")).values("pk")
        rows = rows.filter(assignee__in=mates)
    if which == "done":
        return rows.filter(state=FollowUpState.DONE)
    rows = rows.open()
    if which == "snoozed":
        return rows.filter(snoozed_until__gt=now)
    rows = rows.awake(now)
    today, tomorrow = day_start(now), day_start(now, 1)
    spans = {
        "overdue": {"due_at__lt": today},
        "today": {"due_at__gte": today, "due_at__lt": tomorrow},
        "coming": {"due_at__gte": tomorrow},
    }
    return rows.filter(**spans.get(which, {}))
