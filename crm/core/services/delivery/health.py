"""How the sending is doing: read by banners, /readyz and the outbox page."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.core.services import installation

LATE = timedelta(minutes=5)
SILENT = timedelta(minutes=3)
LOOK = """
    SELECT (SELECT min(next_attempt_at) FROM core_outboxmail WHERE state = 'pending'),
           (SELECT count(*) FROM (SELECT 1 FROM core_outboxmail WHERE state = 'uncertain' LIMIT 100) AS u),
           (SELECT max(finished_at) FROM core_heartbeat WHERE name = 'tick'),
           (SELECT did FROM core_heartbeat WHERE name = 'mail:relay'),
           (SELECT note FROM core_heartbeat WHERE name = 'mail:relay'),
           (SELECT uid::text FROM core_installation WHERE id = 1),
           (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM core_outboxmail_id_seq),
           (SELECT count(*) FROM core_blastquestion WHERE decided_at IS NULL)
"""


@dataclass(frozen=True)
class Health:
    oldest_due: datetime | None
    uncertain: int
    last_tick: datetime | None
    is_relay_away: bool
    relay_note: str
    hold: str  # why no mail leaves from this database, "" when it may
    questions: int  # of planners that ask first

    def is_late(self, now: datetime) -> bool:
        return self.oldest_due is not None and now - self.oldest_due > LATE

    def is_silent(self, now: datetime) -> bool:
        """The tick ran once and has not for too long; before the first one the firm is just being started."""
        return self.last_tick is not None and now - self.last_tick > SILENT


def look() -> Health:
    """One statement, each part served by an index."""
    with connection.cursor() as cursor:
        cursor.execute(LOOK)
        oldest, uncertain, tick, failures, note, uid, counted, questions = cursor.fetchone()
    hold = installation.judge(uid, counted).why if uid else ""
    return Health(oldest, uncertain, tick, bool(failures), note or "", hold, questions)


def _holds(health: Health) -> list[dict[str, str]]:
    """A copied database, and planners that ask first."""
    url, found = reverse("core:mail_holds"), []
    if health.hold:
        text = _("No mail leaves. %(why)s") % {"why": health.hold}
        found.append({"tone": "red", "text": text, "url": url, "link_text": _("Decide")})
    if health.questions:
        text = _("Far more mails than usual would be planned; they wait for your word.")
        found.append({"tone": "amber", "text": text, "url": url, "link_text": _("Decide")})
    return found


def banners(user, now: datetime) -> list[dict[str, str]]:
    """For admins: what keeps mails from going out."""
    if not user.is_admin:
        return []
    health, url = look(), reverse("core:outbox")
    found = _holds(health)
    if health.is_relay_away:
        found.append(
            {
                "tone": "red",
                "text": _("Mails wait: the mail server cannot be reached (%(reason)s).")
                % {"reason": health.relay_note},
            }
        )
    elif health.is_late(now) and not health.hold:
        found.append({"tone": "red", "text": _("Mails wait: the oldest has been due for more than five minutes.")})
    if health.is_silent(now):
        found.append(
            {
                "tone": "red",
                "text": _(
                    "Background work stands still: nothing has looked at what is due for more than three minutes."
                ),
            }
        )
    if health.uncertain:
        text = ngettext(
            "%(n)d mail needs a decision: nobody knows whether it arrived.",
            "%(n)d mails need a decision: nobody knows whether they arrived.",
            health.uncertain,
        )
        found.append({"tone": "amber", "text": text % {"n": health.uncertain}, "url": f"{url}?state=uncertain"})
    return [{"url": url, "link_text": _("Open the outbox")} | banner for banner in found]
