"""The health of mail delivery, for banners, /readyz, /metrics, `manage.py doctor` and the outbox."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.core.mail.services import instance
from crm.core.work import schedule

LATE = timedelta(minutes=5)  # age of a mail, or of an import without a worker
SILENT = timedelta(minutes=3)
# A mail is tried for about eight hours, so one that died in the last day was planned in the last week.
LOOK = """
    SELECT (SELECT min(next_attempt_at) FROM core_outboxmail WHERE state = 'pending'),
           (SELECT count(*) FROM (SELECT 1 FROM core_outboxmail WHERE state = 'uncertain' LIMIT 100) AS u),
           (SELECT max(finished_at) FROM core_heartbeat WHERE name = 'tick'),
           (SELECT did FROM core_heartbeat WHERE name = 'mail:relay'),
           (SELECT note FROM core_heartbeat WHERE name = 'mail:relay'),
           (SELECT row_to_json(installation) FROM (__STATE__) AS installation),
           (SELECT count(*) FROM core_blastquestion WHERE decided_at IS NULL),
           (SELECT count(*) FROM (
                SELECT 1 FROM core_job WHERE state IN ('queued', 'running') AND lease_until < %(now)s - interval '5 minutes'
                LIMIT 100) AS j),
           (SELECT count(*) FROM (
                SELECT 1 FROM core_outboxmail
                WHERE state = 'dead' AND planned_for > %(now)s - interval '7 days' AND updated_at > %(now)s - interval '24 hours'
                LIMIT 1000) AS d),
            (SELECT coalesce(json_object_agg(name, note), '{}') FROM core_heartbeat
             WHERE name LIKE 'tick:%%' AND note <> '' AND finished_at > %(now)s - interval '24 hours')
""".replace("__STATE__", instance.STATE)


@dataclass(frozen=True)
class Health:
    """`dead`: mails that failed for good in the last 24 hours, counted up to 1 000; `uncertain` up to 100. `troubles`:
    periodic jobs that failed on their last run, or did nothing although something waits, with their message.
    """

    oldest_due: datetime | None
    uncertain: int
    last_tick: datetime | None
    is_relay_away: bool
    relay_note: str
    hold: str  # why this database may not send mail, "" if it may
    questions: int  # planners waiting for approval
    late_jobs: int  # imports that should have a worker but have none, up to 100
    dead: int
    troubles: dict[str, str]

    def is_late(self, now: datetime) -> bool:
        return self.oldest_due is not None and now - self.oldest_due > LATE

    def is_silent(self, now: datetime) -> bool:
        """Whether periodic work has stopped. False before its first run, while the firm is starting."""
        return self.last_tick is not None and now - self.last_tick > SILENT


def look(now: datetime) -> Health:
    """One statement; each part uses an index or the few heartbeat rows."""
    with connection.cursor() as cursor:
        cursor.execute(LOOK, {"now": now})
        oldest, uncertain, tick, failures, note, installation, questions, jobs, dead, troubles = cursor.fetchone()
    hold = instance.check(instance.State.of(installation)).why
    named = {name.removeprefix("tick:"): note for name, note in sorted(troubles.items())}
    return Health(oldest, uncertain, tick, bool(failures), note or "", hold, questions, jobs, dead, named)


def _holds(health: Health) -> list[dict[str, str]]:
    """A copied database, and planners waiting for approval."""
    url, found = reverse("core:mail_holds"), []
    if health.hold:
        text = _("Sending is on hold. %(why)s") % {"why": health.hold}
        found.append({"tone": "red", "text": text, "url": url, "link_text": _("Decide")})
    if health.questions:
        text = _("Many more emails than usual are planned. They are held until you decide.")
        found.append({"tone": "amber", "text": text, "url": url, "link_text": _("Decide")})
    return found


def trouble_words(name: str, note: str) -> str:
    return _("%(part)s: %(note)s") % {"part": schedule.label_of(name), "note": note}


def banners(principal, now: datetime) -> list[dict[str, str]]:
    """Banners for admins: what keeps mail from being sent, and periodic work that fails."""
    if not principal.is_admin:
        return []
    health, url = look(now), reverse("core:outbox")
    found = _holds(health)
    if health.is_relay_away:
        found.append(
            {
                "tone": "red",
                "text": _("Email is waiting: the mail server cannot be reached (%(reason)s).")
                % {"reason": health.relay_note},
            }
        )
    elif health.is_late(now) and not health.hold:
        found.append(
            {"tone": "red", "text": _("Email is waiting: the oldest has been due for more than five minutes.")}
        )
    if health.is_silent(now):
        found.append(
            {
                "tone": "red",
                "text": _("Background jobs have stopped: nothing has run for more than three minutes."),
            }
        )
    for name, note in health.troubles.items():
        text = _("Background jobs are failing. %(what)s") % {"what": trouble_words(name, note)}
        found.append({"tone": "red", "text": text, "url": "", "link_text": ""})
    if health.late_jobs:
        text = _("An import has waited for more than five minutes. Check that the worker is running.")
        found.append({"tone": "red", "text": text, "url": reverse("core:imports"), "link_text": _("Open imports")})
    if health.uncertain:
        text = ngettext(
            "%(n)d email needs a decision: delivery is unconfirmed.",
            "%(n)d emails need a decision: delivery is unconfirmed.",
            health.uncertain,
        )
        found.append({"tone": "amber", "text": text % {"n": health.uncertain}, "url": f"{url}?show=decide"})
    return [{"url": url, "link_text": _("Open the outbox")} | banner for banner in found]
