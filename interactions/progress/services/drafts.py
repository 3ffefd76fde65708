"""Making, editing and deciding about the draft of a progress email."""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from crm.core.base.errors import ServiceError, StaleWrite
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.base.versions import save_version
from crm.core.base.zones import zone
from crm.core.firm.languages import mail_language
from crm.core.firm.queries import get_firm
from interactions import permissions
from interactions.progress import emails
from interactions.progress import sections as progress_sections
from interactions.progress import words as progress_words
from interactions.progress.choices import PROGRESS_MOVES, ProgressState, WhenNothing
from interactions.progress.models import ProgressEmail, ProgressSchedule
from interactions.progress.services.schedules import covers_from

log = logging.getLogger(__name__)
EDITABLE = (ProgressState.PLANNED, ProgressState.DRAFT, ProgressState.APPROVED, ProgressState.HELD)
DECIDABLE = (ProgressState.DRAFT, ProgressState.HELD, ProgressState.APPROVED)
SKIPPABLE = (ProgressState.PLANNED, *DECIDABLE)
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
    language = mail_language(client.language)
    with translation.override(language), timezone.override(zone(email.time_zone)):
        sections, is_news = progress_sections.build(client, email.covers_from, email.covers_to)
        email.is_empty = not is_news
        email.subject = progress_words.subject(firm.name, email.week)[:200]
        email.content = {
            "summary": progress_words.summary(sections, is_news=is_news),
            "sections": sections,
            "closing": progress_words.closing(),
        }
    if schedule is not None:
        asks = email.is_empty and schedule.when_nothing == WhenNothing.ASK
        email.is_review_needed = schedule.is_review_needed or asks


def is_silent_week(email: ProgressEmail) -> bool:
    """Nothing happened, nobody wrote anything, and the client's schedule says to send nothing then."""
    if not email.is_empty or is_edited(email):
        return False
    return ProgressSchedule.objects.filter(client_id=email.client_id, when_nothing=WhenNothing.SKIP).exists()


@service(may=permissions.may_change_progress, why=permissions.IN_TRASH)
def edit_progress(
    principal: Principal,
    *,
    email: ProgressEmail,
    subject: str,
    content: dict[str, Any],
    seen_version: int | None,
    now: datetime,
) -> ProgressEmail:
    """Save what somebody wrote. An approved one becomes a draft again, and so does one that was held because it could not be
    made. Raises StaleWrite, ServiceError (subject, content)."""
    email = lock(email)
    if email.state not in EDITABLE:
        raise ServiceError(
            _("This progress email is “%(state)s” by now.") % {"state": email.get_state_display()}, code="conflict"
        )
    if not subject.strip() or "\n" in subject or "\r" in subject:
        raise ServiceError(_("Write a subject, on one line."), field="subject")
    email.subject, email.content = subject.strip()[:200], clean_content(content)
    was_broken = bool(email.problem)
    email.is_empty, email.problem = False, ""
    fields = ["subject", "content", "is_empty", "problem"]
    if was_broken or email.state in (ProgressState.APPROVED, ProgressState.PLANNED):
        email.state, email.approved_by, email.approved_at = ProgressState.DRAFT, None, None
        fields += ["state", "approved_by", "approved_at"]
    # Never merged: somebody may have approved the other version, and would stand for a text they never read.
    save_version(email, fields=fields, seen=seen_version, merges=False)
    return email


def clean_content(content: dict[str, Any]) -> dict[str, Any]:
    """The content in its shape: empty lines out, unknown keys out. Raises ServiceError when it has another shape."""
    try:
        sections = [
            {
                "key": str(section["key"])[:40],
                "title": str(section["title"]).strip()[:120],
                "items": [str(line).strip() for line in _listed(section["items"]) if str(line).strip()],
            }
            for section in _listed(content["sections"])
        ]
        cleaned = {
            "summary": str(content["summary"]).strip(),
            "sections": sections,
            "closing": str(content["closing"]).strip(),
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise ServiceError(
            _("The content has a summary, sections with key, title and items, and a closing."), field="content"
        ) from error
    if not cleaned["summary"] and not any(section["items"] for section in sections):
        raise ServiceError(_("Write a summary or at least one line."), field="summary")
    if len(str(cleaned)) > 60_000:
        raise ServiceError(_("This is too long for a mail."), field="summary")
    return cleaned


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(value)
    return value


def check_seen(email: ProgressEmail, seen_version: int | None) -> None:
    """What is approved or sent is what was looked at."""
    if seen_version is not None and email.version != seen_version:
        raise StaleWrite(_("Somebody changed this progress email meanwhile. Look at it once more."), current=email)


@service(may=permissions.may_change_progress, why=permissions.IN_TRASH)
def approve_progress(
    principal: Principal, *, email: ProgressEmail, seen_version: int | None = None, now: datetime
) -> ProgressEmail:
    """It goes out at its time, or at the next tick when that is over. Raises StaleWrite, ServiceError past its expiry."""
    email = lock(email)
    if email.state == ProgressState.APPROVED:
        return email
    check_seen(email, seen_version)
    if now >= email.expires_at:
        raise ServiceError(_("Its time is over: the deadline was more than six hours ago."), code="conflict")
    if email.state == ProgressState.PLANNED:
        _filled(email, now)
        move(email, ProgressState.DRAFT, *FILLED)
    if trouble := trouble_of(email):
        raise ServiceError(trouble, field="content")
    email.approved_by, email.approved_at, email.problem = principal.user, now, ""
    return move(email, ProgressState.APPROVED, "approved_by", "approved_at", "problem")


def trouble_of(email: ProgressEmail) -> str:
    """Why this email cannot be made into a mail, for people; "" when it can."""
    try:
        clean_content(email.content)
        emails.render_progress(email, None, stop_url="")
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        return explain(error)
    return _("It has no subject.") if not email.subject.strip() else ""


def explain(error: Exception) -> str:
    """What a person can do with an error that keeps an email from being made."""
    if isinstance(error, ServiceError):
        return error.message[:300]
    if isinstance(error, progress_sections.SourceFailed):
        return _("A part of it could not be filled (%(part)s). Write it by hand, or try again.") % {"part": error.part}
    return _("Its content cannot be made into a mail (%(error)s). Write it anew, or make the draft again.") % {
        "error": type(error).__name__
    }


def _filled(email: ProgressEmail, now: datetime) -> None:
    """`_fill` on somebody's request: a part that fails is said to them. Raises ServiceError."""
    try:
        _fill(email, now)
    except progress_sections.SourceFailed as error:
        log.exception("progress email %s could not be filled", email.pk)
        raise ServiceError(explain(error), code="conflict") from error


@service(may=permissions.may_change_progress, why=permissions.IN_TRASH)
def redraft_progress(principal: Principal, *, email: ProgressEmail, now: datetime) -> ProgressEmail:
    """Make the draft now, or anew from what really happened, in place of what is there. Raises ServiceError."""
    email = lock(email)
    if email.state not in EDITABLE:
        raise ServiceError(
            _("This progress email is “%(state)s” by now.") % {"state": email.get_state_display()}, code="conflict"
        )
    if now >= email.expires_at:
        raise ServiceError(_("Its time is over: the deadline was more than six hours ago."), code="conflict")
    _filled(email, now)
    email.problem, email.approved_by, email.approved_at = "", None, None
    fields = [*FILLED, "problem", "approved_by", "approved_at"]
    if email.state == ProgressState.DRAFT:
        email.save(update_fields=[*fields, "updated_at"])
        return email
    return move(email, ProgressState.DRAFT, *fields)


def hold_progress(*, email: ProgressEmail, problem: str) -> ProgressEmail:
    """It cannot go out until a person has mended it: kept with the reason. The caller holds the row and tells somebody."""
    email.problem = problem[:300]
    if email.state == ProgressState.HELD:
        email.save(update_fields=["problem", "updated_at"])
        return email
    return move(email, ProgressState.HELD, "problem")


@service(may=permissions.may_change_progress, why=permissions.IN_TRASH)
def skip_progress(principal: Principal, *, email: ProgressEmail, reason: str = "", now: datetime) -> ProgressEmail:
    """No progress email this week. What would have been in it is in the next one."""
    email = lock(email)
    by = _("Skipped by %(name)s") % {"name": principal.user.name} if principal.user else ""
    email.skip_reason = (" ".join(reason.split()) or by)[:200]
    email.approved_by = email.approved_at = None
    return move(email, ProgressState.SKIPPED, "skip_reason", "approved_by", "approved_at")


@service(may=permissions.may_change_progress, why=permissions.IN_TRASH)
def unskip_progress(principal: Principal, *, email: ProgressEmail, now: datetime) -> ProgressEmail:
    """Undo a skip while there is time."""
    email = lock(email)
    if now >= email.expires_at:
        raise ServiceError(_("Its time is over: the deadline was more than six hours ago."), code="conflict")
    if not email.content:
        _filled(email, now)
    email.skip_reason = ""
    return move(email, ProgressState.DRAFT, "skip_reason", *FILLED)
