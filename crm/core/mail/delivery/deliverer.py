"""The sending loop: claim, envelope, fence, DATA, result. No transaction is open while talking to the server."""

import time
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core.firm.models import FirmSettings
from crm.core.firm.queries import get_firm
from crm.core.mail import kinds
from crm.core.mail.choices import MailState
from crm.core.mail.delivery import breaker, claims, journal, message, providers, relay, settle
from crm.core.mail.models import OutboxMail
from crm.core.mail.services import instance, suppression
from crm.core.mail.services.outbox import mail_domain
from crm.core.work import jobs, schedule, stopping

ANSWERS_EVERY = 2.0  # seconds between checks of whether the breaker may close
ASK_AGAIN_SECONDS = 60  # until a mail without an answer is sent to the provider again


@dataclass(frozen=True)
class Result:
    state: MailState
    outcome: str
    reply: str
    code: int | None = None
    delay: float = 0
    burnt: bool = True
    provider_id: str = ""
    is_silent: bool = False  # the server did not answer a whole mail in time


def deliver_due(*, seconds: float = 50) -> int:
    """Send what is due, for at most about `seconds`. Returns the number of mails sent. Safe to run concurrently."""
    sent = 0
    if not instance.register().is_on and breaker.lets_through():
        sent, more = _drain(time.monotonic() + seconds)
        if more:
            jobs.enqueue("crm.core.tasks.deliver")
        if sent:
            instance.note_sent()
    settle.sweep(timezone.now())
    journal.settle_undecided(timezone.now())
    settle.resend(timezone.now())
    schedule.beat("deliver", timezone.now(), sent)
    return sent


def _drain(until: float) -> tuple[int, bool]:
    session = open_session()
    sent, firm, has_called = 0, get_firm(), False
    heard_at = -ANSWERS_EVERY
    try:
        while time.monotonic() < until and not stopping.is_stopping():
            mail = claims.claim_next() or _ask_again(session)
            if mail and not has_called:
                _call_another()
                has_called = True
            result = _deliver(mail, session, firm) if mail else None
            if result is None:
                return sent, False
            sent += result.state == MailState.SENT
            if result.code is not None and time.monotonic() - heard_at >= ANSWERS_EVERY:
                claims.retry_until_written(breaker.close)  # another sender may have opened the breaker
                heard_at = time.monotonic()
        return sent, True
    finally:
        session.close()


def open_session():
    """A session with what EMAIL_URL names: a provider, an SMTP server, or storage on this machine."""
    if provider := providers.parse(settings.EMAIL_URL):
        return providers.ApiSession(provider)
    target = relay.parse(settings.EMAIL_URL)
    return relay.Captured() if target is None else relay.Session(target, mail_domain())


def _ask_again(session) -> OutboxMail | None:
    """Repeat an undecided mail to a provider that repeats its first answer for a known key."""
    return claims.reclaim_next(session.mark, session.remembers) if session.remembers else None


def _call_another() -> None:
    """One wake-up starts one deliverer. While there is more to send, each starts the next."""
    if OutboxMail.objects.due(timezone.now()).exists():
        jobs.enqueue("crm.core.tasks.deliver")


def _deliver(mail: OutboxMail, session, firm: FirmSettings) -> Result | None:
    """Send one claimed mail and write the result. None: the mail server is away or silent, stop."""
    started_at = timezone.now()
    try:
        result = _attempt(mail, session, firm)
    except relay.Unreachable as error:
        reason = str(error)
        claims.retry_until_written(lambda: breaker.trip(reason))
        _write(
            mail,
            Result(
                MailState.PENDING,
                "retry",
                _("The mail server cannot be reached: %(reason)s") % {"reason": reason},
                burnt=False,
            ),
            started_at,
        )
        return None
    held = _write(mail, result, started_at)
    if held and result.state == MailState.DEAD:
        suppression.note_refusal(mail, result.reply, timezone.now())
    if result.is_silent:  # every other sender would hang as long
        claims.retry_until_written(lambda: breaker.trip(result.reply))
        return None
    return result


def _write(mail: OutboxMail, result: Result, started_at: datetime) -> bool:
    state = result.state
    if state == MailState.PENDING and mail.fenced_at is not None:
        state = MailState.UNCERTAIN  # it was asked about and still may be out there
    return claims.retry_until_written(
        lambda: claims.settle(
            mail,
            state,
            outcome=result.outcome,
            started_at=started_at,
            ended_at=timezone.now(),
            reply=result.reply,
            code=result.code,
            delay=result.delay,
            burnt=result.burnt,
            provider_id=result.provider_id,
        )
    )


def _attempt(mail: OutboxMail, session, firm: FirmSettings) -> Result:
    if getattr(mail, "is_stopped", False) and (why := suppression.refusal(mail.kind, mail.to_address)):
        return Result(MailState.DEAD, "dead", why)  # stopped while it was on its way, or between two tries
    if mail.fenced_at is None and (why := kinds.refusal(mail)):
        return Result(MailState.DEAD, "dead", why)  # not if a provider may have it: that one is asked for its answer
    try:
        raw = message.build(mail, firm)
        has_journal = session.envelope(
            message.envelope_sender(firm), message.ascii_address(mail.to_address), journal.address_for(mail)
        )
    except (message.Unsendable, UnicodeError) as error:
        return Result(MailState.DEAD, "dead", str(error))
    except relay.Refused as error:
        return _refused(mail, error)
    except relay.Dropped as error:
        return _again(mail, str(error))
    hold = claims.Hold(len(raw))
    try:
        is_ours = claims.fence(mail, seconds=hold.seconds, has_journal=has_journal, provider=session.mark)
    except (DatabaseError, InterfaceError) as error:
        if not claims.is_database_away(error):
            raise
        # the fence may or may not be written; nothing was handed over, so the row goes back either way
        return _give_back(session, "retry", _("The database was unavailable before sending."))
    if not is_ours:
        return _give_back(session, "lost_lease", _("The sending lease expired before the email was sent."))
    return _hand_over(mail, session, raw, hold)


def _hand_over(mail: OutboxMail, session, raw: bytes, hold: claims.Hold) -> Result:
    try:
        said = session.hand_over(raw, hold.is_over)
        return Result(MailState.SENT, "sent", said, code=250, provider_id=session.provider_id)
    except relay.Refused as error:
        return _refused(mail, error)
    except relay.Stale:
        return _give_back(session, "retry", _("Sending stopped before the email went out."))
    except relay.Dropped as error:
        return _again(mail, str(error))
    except relay.Unknown as error:
        return Result(
            MailState.UNCERTAIN,
            "uncertain",
            _("No reply from the server after sending: %(reason)s") % {"reason": error},
            delay=ASK_AGAIN_SECONDS,
            is_silent=error.is_silent,
        )


def _give_back(session, outcome: str, reply: str) -> Result:
    session.close()
    return Result(MailState.PENDING, outcome, reply, burnt=False)


def _refused(mail: OutboxMail, error: relay.Refused) -> Result:
    """4xx: not now; 5xx: never."""
    if 400 <= error.code < 500:
        return _again(mail, error.reply, error.code)
    return Result(MailState.DEAD, "dead", error.reply, code=error.code)


def _again(mail: OutboxMail, reply: str, code: int | None = None) -> Result:
    delay = claims.back_off(mail.attempts)
    if delay is None and mail.fenced_at is not None:  # it was asked about and still may be out there
        return Result(MailState.UNCERTAIN, "uncertain", reply, code=code, delay=ASK_AGAIN_SECONDS)
    if delay is None:
        return Result(MailState.DEAD, "dead", reply, code=code)
    return Result(MailState.PENDING, "retry", reply, code=code, delay=delay)
