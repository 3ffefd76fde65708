"""Making, editing and deciding about the draft of a progress email."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from crm.core.errors import ServiceError, StaleWrite
from crm.core.models import User
from crm.core.queries import get_firm
from crm.core.services.versions import save_version
from crm.core.zones import zone
from interactions import progress_sections
from interactions.choices import PROGRESS_MOVES, ProgressState, WhenNothing
from interactions.models import ProgressEmail, ProgressSchedule
from interactions.services.progress import covers_from

EDITABLE = (ProgressState.PLANNED, ProgressState.DRAFT, ProgressState.APPROVED, ProgressState.HELD)
DECIDABLE = (ProgressState.DRAFT, ProgressState.HELD, ProgressState.APPROVED)
FILLED = ("subject", "content", "is_empty", "is_review_needed", "covers_from", "covers_to")


def lock(email: ProgressEmail) -> ProgressEmail:
    return ProgressEmail.objects.select_for_update(of=("self",)).select_related("client__owner").get(pk=email.pk)


def move(email: ProgressEmail, state: ProgressState, *fields: str) -> ProgressEmail:
    """Raises ServiceError for a move that is not legal."""
    if state not in PROGRESS_MOVES[ProgressState(email.state)]:
        raise ServiceError(
            _("This progress email is “%(state)s” by now.") % {"state": email.get_state_display()}, code="conflict"
        )
    email.state = state
    email.save(update_fields=["state", *fields, "updated_at"])
    return email


def is_edited(email: ProgressEmail) -> bool:
    """Somebody wrote into it: `version` counts only people's edits."""
    return email.version > 1


@transaction.atomic
def draft_progress(*, email: ProgressEmail, now: datetime) -> ProgressEmail:
    """Make the draft from what really happened so far. One that was edited, or is past being a draft, is left alone."""
    email = lock(email)
    if email.state == ProgressState.PLANNED:
        _fill(email, now)
        return move(email, ProgressState.DRAFT, *FILLED)
    return email


def refresh(email: ProgressEmail, now: datetime) -> None:
    """Fill a draft anew that nobody touched, so that it tells what happened until it leaves. The caller holds the row."""
    if not is_edited(email) and email.approved_at is None:
        _fill(email, now)
        email.save(update_fields=[*FILLED, "updated_at"])


def _fill(email: ProgressEmail, now: datetime) -> None:
    """`covers_to` becomes the moment up to which the content tells, so that the next one goes on from there."""
    client, firm = email.client, get_firm()
    schedule = ProgressSchedule.objects.filter(client_id=email.client_id).first()
    email.covers_from = covers_from(email.client_id, email.send_at)
    email.covers_to = max(min(now, email.send_at), email.covers_from + timedelta(seconds=1))
    with translation.override(client.language or firm.language or None), timezone.override(zone(email.time_zone)):
        sections, is_news = progress_sections.build(client, email.covers_from, email.covers_to)
        email.is_empty = not is_news
        email.subject = _("%(firm)s: progress in week %(week)d") % {
            "firm": " ".join(firm.name.split()),
            "week": int(email.week[-2:]),
        }
        summary = (
            _("Here is where we stand this week.")
            if is_news
            else _("A quiet week: nothing was finished or decided, and all is on its way.")
        )
        email.content = {
            "summary": summary,
            "sections": sections,
            "closing": _("If anything is unclear or missing, simply reply to this mail."),
        }
    if schedule is not None:
        asks = email.is_empty and schedule.when_nothing == WhenNothing.ASK
        email.is_review_needed = schedule.is_review_needed or asks


def is_silent_week(email: ProgressEmail) -> bool:
    """Nothing happened, nobody wrote anything, and the client's schedule says to send nothing then."""
    if not email.is_empty or is_edited(email):
        return False
    return ProgressSchedule.objects.filter(client_id=email.client_id, when_nothing=WhenNothing.SKIP).exists()


@transaction.atomic
def edit_progress(
    *, actor: User, email: ProgressEmail, subject: str, content: dict[str, Any], seen_version: int | None, now: datetime
) -> ProgressEmail:
    """Save what somebody wrote. An approved one becomes a draft again. Raises StaleWrite, ServiceError (subject, content)."""
    email = lock(email)
    if email.state not in EDITABLE:
        raise ServiceError(
            _("This progress email is “%(state)s” by now.") % {"state": email.get_state_display()}, code="conflict"
        )
    if not subject.strip() or "\n" in subject or "\r" in subject:
        raise ServiceError(_("Write a subject, on one line."), field="subject")
    email.subject, email.content = subject.strip()[:200], clean_content(content)
    email.is_empty = False
    fields = ["subject", "content", "is_empty"]
    if email.state in (ProgressState.APPROVED, ProgressState.PLANNED):
        email.state, email.approved_by, email.approved_at = ProgressState.DRAFT, None, None
        fields += ["state", "approved_by", "approved_at"]
    save_version(email, fields=fields, seen=seen_version)
    return email


def clean_content(content: dict[str, Any]) -> dict[str, Any]:
    """The content in its shape: empty lines out, unknown keys out. Raises ServiceError when it has another shape."""
    try:
        sections = [
            {
                "key": str(section["key"])[:40],
                "title": str(section["title"]).strip()[:120],
                "items": [str(line).strip() for line in section["items"] if str(line).strip()],
            }
            for section in content["sections"]
        ]
        cleaned = {
            "summary": str(content["summary"]).strip(),
            "sections": sections,
            "closing": str(content["closing"]).strip(),
        }
    except (KeyError, TypeError) as error:
        raise ServiceError(
            _("The content has a summary, sections with key, title and items, and a closing."), field="content"
        ) from error
    if not cleaned["summary"] and not any(section["items"] for section in sections):
        raise ServiceError(_("Write a summary or at least one line."), field="summary")
    if len(str(cleaned)) > 60_000:
        raise ServiceError(_("This is too long for a mail."), field="summary")
    return cleaned


def check_seen(email: ProgressEmail, seen_version: int | None) -> None:
    """What is approved or sent is what was looked at."""
    if seen_version is not None and email.version != seen_version:
        raise StaleWrite(_("Somebody changed this progress email meanwhile. Look at it once more."), current=email)


@transaction.atomic
def approve_progress(
    *, actor: User, email: ProgressEmail, seen_version: int | None = None, now: datetime
) -> ProgressEmail:
    """It goes out at its time, or at the next tick when that is over. Raises StaleWrite, ServiceError past its expiry."""
    email = lock(email)
    if email.state == ProgressState.APPROVED:
        return email
    check_seen(email, seen_version)
    if now >= email.expires_at:
        raise ServiceError(_("Its time is over: the deadline was more than six hours ago."), code="conflict")
    if email.state == ProgressState.PLANNED:
        _fill(email, now)
        move(email, ProgressState.DRAFT, *FILLED)
    email.approved_by, email.approved_at = actor, now
    return move(email, ProgressState.APPROVED, "approved_by", "approved_at")


@transaction.atomic
def skip_progress(*, actor: User | None, email: ProgressEmail, reason: str = "", now: datetime) -> ProgressEmail:
    """No progress email this week. What would have been in it is in the next one."""
    email = lock(email)
    email.skip_reason = (reason.strip() or (_("Skipped by %(name)s") % {"name": actor.name} if actor else ""))[:200]
    email.approved_by = email.approved_at = None
    return move(email, ProgressState.SKIPPED, "skip_reason", "approved_by", "approved_at")


@transaction.atomic
def unskip_progress(*, actor: User, email: ProgressEmail, now: datetime) -> ProgressEmail:
    """Undo a skip while there is time."""
    email = lock(email)
    if now >= email.expires_at:
        raise ServiceError(_("Its time is over: the deadline was more than six hours ago."), code="conflict")
    if not email.content:
        _fill(email, now)
    email.skip_reason = ""
    return move(email, ProgressState.DRAFT, "skip_reason", *FILLED)
