"""What happened to a plan, from the history that database triggers record."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from clients.contacts.models import Contact
from crm.core.users.models import User
from onboarding.choices import PlanState, TaskState
from onboarding.models import Plan, Task

MOST = 1000  # history rows read per page
ACTORS = {"user": User, "contact": Contact}  # as the history's context names them


@dataclass(frozen=True)
class Entry:
    at: datetime
    who: str
    text: str


def plan_history(plan: Plan) -> list[Entry]:
    """Newest first: states of the plan and its tasks, people, dates. `who` is "" for the system."""
    found = [*_changes(Plan, plan.pk, _plan_words), *_changes(Task, plan.pk, _task_words)]
    names = _names({_actor(event) for event, _text in found})
    entries = [Entry(event.pgh_created_at, names.get(_actor(event), ""), text) for event, text in found]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)


def _actor(event):
    """(kind, pk) of the colleague or contact; None for the system."""
    context = event.pgh_context.metadata if event.pgh_context else {}
    return next(((kind, context[kind]) for kind in ACTORS if context.get(kind)), None)


def _names(actors):
    """{(kind, pk): name}"""
    found = {
        kind: model.objects.in_bulk([pk for known, pk in actors - {None} if known == kind])
        for kind, model in ACTORS.items()
    }
    return {(kind, pk): row.name for kind, rows in found.items() for pk, row in rows.items()}


def _changes(model, plan_id, words):
    events = model.pgh_event_model.objects.select_related("pgh_context").order_by("pgh_id")
    events = events.filter(pgh_obj_id=plan_id) if model is Plan else events.filter(plan_id=plan_id)
    before = {}
    found = []
    for event in events[:MOST]:
        found += [(event, text) for text in words(before.get(event.pgh_obj_id), event)]
        before[event.pgh_obj_id] = event
    return found


def _plan_words(old, new):
    if old is None:
        yield _("Plan created, kickoff %(day)s") % {"day": _day(new.kickoff_date)}
        return
    if old.state != new.state:
        yield _("Plan: %(state)s") % {"state": PlanState(new.state).label}
    if old.kickoff_date != new.kickoff_date:
        yield _("Kickoff moved from %(old)s to %(new)s") % {
            "old": _day(old.kickoff_date),
            "new": _day(new.kickoff_date),
        }
    if old.owner_id != new.owner_id:
        yield _("Owned by someone else")
    if old.track != new.track:
        yield _("%(track)s: %(reason)s") % {
            "track": dict(Plan.track.field.choices)[new.track],
            "reason": new.track_reason or _("nothing is late"),
        }


def _task_words(old, new):
    if old is None:
        return
    if old.state != new.state:
        words = {"task": new.title, "state": TaskState(new.state).label.lower(), "reason": new.blocked_reason}
        yield (_("“%(task)s” is %(state)s: %(reason)s") if new.blocked_reason else _("“%(task)s” is %(state)s")) % words
    if old.due_date != new.due_date:
        yield _("“%(task)s” moved from %(old)s to %(new)s") % {
            "task": new.title,
            "old": _day(old.due_date),
            "new": _day(new.due_date),
        }
    if (old.assignee_id, old.contact_id) != (new.assignee_id, new.contact_id):
        yield _("“%(task)s” was reassigned") % {"task": new.title}


def _day(day):
    return date_format(day, pgettext("date format", "j M Y")) if day else "—"
