"""The draft of a progress email: write, edit, approve, skip."""

import logging
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from clients.contacts.languages import language_for
from clients.engagements.models import Engagement
from clients.engagements.queries import rows_naming
from clients.revenue.models import Contract
from crm.core.base.errors import ServiceError, StaleWrite
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.base.states import advance, transition
from crm.core.base.versions import who_saved
from crm.core.base.zones import zone
from crm.core.firm.queries import get_firm
from interactions import permissions
from interactions.agreements.models import Decision
from interactions.agreements.services import share_decision
from interactions.progress import emails
from interactions.progress import sections as progress_sections
from interactions.progress import words as progress_words
from interactions.progress.choices import PROGRESS, ProgressState, WhenNothing
from interactions.progress.flags import close_notices, recipients_now
from interactions.progress.models import ProgressEmail, ProgressSchedule
from interactions.progress.services.schedules import covers_from

log = logging.getLogger(__name__)
SHORTEST_NAME = 4  # of an engagement: anything shorter is found in every other text


def lock(email: ProgressEmail) -> ProgressEmail:
    return ProgressEmail.objects.select_for_update(of=("self",)).select_related("client__owner").get(pk=email.pk)


@transaction.atomic
def draft_progress(*, email: ProgressEmail, now: datetime) -> ProgressEmail:
    """Write the draft of a planned one from what happened so far; any other is left alone."""
    email = lock(email)
    if email.state == ProgressState.PLANNED:
        write_draft(email, now)
    return email


def write_draft(email: ProgressEmail, now: datetime) -> None:
    """The caller holds the row."""
    advance(email, to=ProgressState.DRAFT, states=PROGRESS, **_content(email, now))


def refresh(email: ProgressEmail, now: datetime) -> None:
    """Rewrite an unedited draft, so that it covers what happened until it is sent. The caller has locked the row."""
    if not email.is_edited and email.approved_at is None:
        advance(email, to=ProgressState.DRAFT, states=PROGRESS, **_content(email, now))


def _content(email: ProgressEmail, now: datetime) -> dict[str, Any]:
    """The columns of a draft. `covers_to` is the end of the period it covers: the next one starts there. Raises
    SourceFailed.
    """
    schedule = ProgressSchedule.objects.filter(client_id=email.client_id).first()
    start = covers_from(email.client_id, email.send_at)
    end = max(min(now, email.send_at), start + timedelta(seconds=1))
    with translation.override(language_for(email.client)), timezone.override(zone(email.time_zone)):
        built = progress_sections.build(email.client, start, end)
        content = {
            "summary": progress_words.summary(built.sections, is_news=built.is_news),
            "sections": built.sections,
            "closing": progress_words.closing(),
        }
        subject = progress_words.subject(get_firm().name, email.week)[:200]
    asks = schedule is not None and not built.is_news and schedule.when_nothing == WhenNothing.ASK
    return {
        "subject": subject,
        "content": content,
        "told_rows": built.rows,
        "is_empty": not built.is_news,
        "is_review_needed": email.is_review_needed if schedule is None else schedule.is_review_needed or asks,
        "covers_from": start,
        "covers_to": end,
    }


def is_silent_week(email: ProgressEmail) -> bool:
    """Nothing happened, nobody edited it, and the schedule says to send nothing then."""
    if not email.is_empty or email.is_edited:
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
    """Save an edit. An approved email, and one held because it could not be rendered, becomes a draft again.

    Raises StaleWrite, ServiceError (fields subject, summary, content; code "conflict" when it is over)."""
    email = lock(email)
    PROGRESS.expect(email, *PROGRESS.open)
    if not subject.strip() or "\n" in subject or "\r" in subject:
        raise ServiceError(_("Enter a subject on one line."), field="subject")
    content, is_held = clean_content(content), email.state == ProgressState.HELD and not email.problem
    to = ProgressState.HELD if is_held else ProgressState.DRAFT
    # Never merged: an approval applies to the version that was read.
    with transition(email, to=to, states=PROGRESS, seen=seen_version, is_locked=True):
        email.subject, email.content = subject.strip()[:200], content
        email.is_empty, email.problem = False, ""
        email.approved_by = email.approved_at = None
    return email


def clean_content(content: dict[str, Any]) -> dict[str, Any]:
    """The content without empty lines and unknown keys. Raises ServiceError (fields content, summary)."""
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
            _("The content needs a summary, sections with key, title and items, and a closing."), field="content"
        ) from error
    if not cleaned["summary"] and not any(section["items"] for section in sections):
        raise ServiceError(_("Enter a summary or at least one line."), field="summary")
    if len(str(cleaned)) > 60_000:
        raise ServiceError(_("This is too long for an email."), field="summary")
    return cleaned


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(value)
    return value


def check_seen(email: ProgressEmail, seen_version: int | None) -> None:
    """Only the version that was read may be approved or sent. Raises StaleWrite."""
    if seen_version is not None and email.version != seen_version:
        raise StaleWrite(
            _("Someone changed this progress email. Review it again."),
            current=email,
            who=who_saved(email),
        )


@service(may=permissions.may_change_progress, why=permissions.IN_TRASH)
def approve_progress(
    principal: Principal, *, email: ProgressEmail, seen_version: int | None = None, now: datetime
) -> ProgressEmail:
    """It leaves at its time, or with the next run if that has passed. Raises StaleWrite, ServiceError."""
    email = lock(email)
    if email.state == ProgressState.APPROVED:
        return email
    check_seen(email, seen_version)
    if now >= email.expires_at:
        raise ServiceError(_("Expired: the deadline passed more than six hours ago."), code="conflict")
    if email.state == ProgressState.PLANNED:
        advance(email, to=ProgressState.DRAFT, states=PROGRESS, **_asked_content(email, now))
    if trouble := trouble_of(email):
        raise ServiceError(trouble, field="content")
    if not recipients_now(email):
        raise ServiceError(_("No recipients. Choose a recipient in the schedule, or skip this week."), code="conflict")
    approved = {"approved_by": principal.user, "approved_at": now, "problem": ""}
    advance(email, to=ProgressState.APPROVED, states=PROGRESS, **approved)
    close_notices(email)
    return email


@service(may=permissions.may_change_progress, why=permissions.IN_TRASH)
def unapprove_progress(principal: Principal, *, email: ProgressEmail, now: datetime) -> ProgressEmail:
    """Take back an approval: a draft again. Raises ServiceError (code "conflict") if it was sent or skipped
    meanwhile.
    """
    email = lock(email)
    if email.state == ProgressState.DRAFT:
        return email
    PROGRESS.expect(email, ProgressState.APPROVED)
    advance(email, to=ProgressState.DRAFT, states=PROGRESS, approved_by=None, approved_at=None)
    return email


@service(may=permissions.may_change_progress, why=permissions.IN_TRASH)
def include_decision(principal: Principal, *, email: ProgressEmail, decision: Decision, now: datetime) -> ProgressEmail:
    """Share a decision with the client and include it in this email. Raises ServiceError (code "conflict")."""
    email = lock(email)
    PROGRESS.expect(email, *PROGRESS.decidable)
    if decision.client_id != email.client_id:
        raise ServiceError(_("This decision is about another client."), code="conflict")
    decision = share_decision(principal, decision=decision)
    if not email.is_edited:
        return redraft_progress(principal, email=email, now=now)
    content = progress_sections.with_line(email.content, "agreed", decision.text)
    if email.told_rows is not None:  # else it is not known what the other lines tell of
        told = [*email.told_rows, (progress_sections.label_of(decision), decision.pk)]
        ProgressEmail.objects.filter(pk=email.pk).update(told_rows=told)
    return edit_progress(
        principal, email=email, subject=email.subject, content=content, seen_version=email.version, now=now
    )


def trouble_of(email: ProgressEmail) -> str:
    """Why this email cannot be rendered, in words; "" when it can."""
    try:
        clean_content(email.content)
        emails.render_progress(email, None, stop_url="")
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        return explain(error)
    return _("The subject is missing.") if not email.subject.strip() else ""


def explain(error: Exception) -> str:
    """An error of rendering or filling, in words that say what to do."""
    if isinstance(error, ServiceError):
        return error.message[:300]
    if isinstance(error, progress_sections.SourceFailed):
        return _("We could not fill “%(part)s”. Write it yourself or try again.") % {"part": error.part}
    return _("The email could not be built (%(error)s). Rewrite it or regenerate the draft.") % {
        "error": type(error).__name__
    }


def _asked_content(email: ProgressEmail, now: datetime) -> dict[str, Any]:
    """`_content` for a colleague who asked for it. Raises ServiceError that names the part that failed."""
    try:
        return _content(email, now)
    except progress_sections.SourceFailed as error:
        log.exception("progress email %s could not be filled", email.pk)
        raise ServiceError(explain(error), code="conflict") from error


@service(may=permissions.may_change_progress, why=permissions.IN_TRASH)
def redraft_progress(principal: Principal, *, email: ProgressEmail, now: datetime) -> ProgressEmail:
    """Write the draft from what happened until now, in place of what is there. Raises ServiceError."""
    email = lock(email)
    PROGRESS.expect(email, *PROGRESS.open)
    if now >= email.expires_at:
        raise ServiceError(_("Expired: the deadline passed more than six hours ago."), code="conflict")
    values = _asked_content(email, now) | {"problem": "", "approved_by": None, "approved_at": None}
    advance(email, to=ProgressState.DRAFT, states=PROGRESS, **values)
    return email


def forget(engagement: Engagement, now: datetime) -> int:
    """Drafts of the client that tell of an engagement which was restricted: an unedited one is written again and has to be approved again;
    what somebody edited is held, for a person to look at. Returns how many."""
    drafts = _decidable(engagement.client_id)
    named = rows_naming(engagement, {(label, pk) for row in drafts for label, pk in row.told_rows or ()})
    return _forget([row for row in drafts if _tells_of(row, engagement, named)], now)


def forget_contracts(contracts: Sequence[Contract], now: datetime) -> int:
    """As `forget`, for drafts that tell of contracts of a client which said a title that is restricted since."""
    rows = {(progress_sections.label_of(contract), contract.pk) for contract in contracts}
    drafts = _decidable(contracts[0].client_id)
    return _forget([row for row in drafts if rows & {(label, pk) for label, pk in row.told_rows or ()}], now)


def _decidable(client_id: int) -> list[ProgressEmail]:
    rows = ProgressEmail.objects.filter(client=client_id, state__in=PROGRESS.decidable)
    return list(rows.select_for_update(of=("self",)).select_related("client__owner"))


def _forget(found: list[ProgressEmail], now: datetime) -> int:
    for row in found:
        if row.is_edited:
            hold_progress(
                email=row, problem=_("It names work that was restricted since. Take it out, then approve it.")
            )
            continue
        try:
            values = _content(row, now) | {"problem": "", "approved_by": None, "approved_at": None}
        except progress_sections.SourceFailed as error:
            hold_progress(email=row, problem=explain(error))
        else:
            advance(row, to=ProgressState.DRAFT, states=PROGRESS, **values)
    return len(found)


def _tells_of(email: ProgressEmail, engagement: Engagement, named: set[tuple[str, int]]) -> bool:
    """Whether a line was made of one of its rows (or may have been), or somebody wrote its title or number themselves, as whole words."""
    if email.told_rows is None:
        return bool(email.content)
    if named & {(label, pk) for label, pk in email.told_rows}:
        return True
    words = [re.escape(word) for word in (engagement.title, engagement.number) if len(word) >= SHORTEST_NAME]
    if not email.is_edited or not words:
        return False
    name = re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)", re.IGNORECASE)
    return any(name.search(text) for text in _texts([email.subject, email.content]))


def _texts(value: Any) -> Iterator[str]:
    """Every text within what JSON holds."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)


def hold_progress(*, email: ProgressEmail, problem: str) -> ProgressEmail:
    """It cannot be sent until a person has fixed it. The caller has locked the row and notifies someone."""
    advance(email, to=ProgressState.HELD, states=PROGRESS, problem=problem[:300])
    return email


@service(may=permissions.may_change_progress, why=permissions.IN_TRASH)
def skip_progress(principal: Principal, *, email: ProgressEmail, reason: str = "", now: datetime) -> ProgressEmail:
    """No progress email this week; the next one covers this week too."""
    email = lock(email)
    by = _("Skipped by %(name)s") % {"name": principal.user.name} if principal.user else ""
    values = {"skip_reason": (" ".join(reason.split()) or by)[:200], "approved_by": None, "approved_at": None}
    advance(email, to=ProgressState.SKIPPED, states=PROGRESS, **values)
    close_notices(email)
    return email


@service(may=permissions.may_change_progress, why=permissions.IN_TRASH)
def unskip_progress(principal: Principal, *, email: ProgressEmail, now: datetime) -> ProgressEmail:
    """Undo a skip before the email expires. Raises ServiceError (code "conflict")."""
    email = lock(email)
    if now >= email.expires_at:
        raise ServiceError(_("Expired: the deadline passed more than six hours ago."), code="conflict")
    PROGRESS.expect(email, ProgressState.SKIPPED)
    values = {} if email.content else _asked_content(email, now)
    advance(email, to=ProgressState.DRAFT, states=PROGRESS, skip_reason="", **values)
    return email
