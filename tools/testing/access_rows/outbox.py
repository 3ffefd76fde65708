"""The outbox: mails of a client under the client's gate."""

from django.utils import timezone

from crm.core.listing.models import BulkChange
from crm.core.mail.models import BlastQuestion, OutboxMail, Suppression
from crm.core.notifications.models import Notification
from crm.core.work.models import Job
from tools.testing.access import ADMINS, EVERYONE, OPEN, Row, of_list


def _job(scene):
    return Job.objects.create(kind="bulk", user=scene.users["owner"], title="Done", state="done").pk


def build(scene):
    now = timezone.now()
    told = {"kind": "progress-stop", "key": "told", "text": "Elina wants no more.", "url": "/clients/"}
    scene.rows["bulk change"] = {
        "any": BulkChange.objects.create(
            user=scene.users["owner"], action="follow-ups.done", rows=[], created_at=timezone.now(), job_id=_job(scene)
        )
    }
    scene.rows["notification"] = {"any": Notification.objects.create(user=scene.users["owner"], **told)}
    scene.rows["mail"] = {
        kind: OutboxMail.objects.create(
            key=f"progress:{client.pk}:1:2026-W48",
            kind="progress",
            client_id=client.pk,
            to_address="elina@example.com",
            subject="Week 48",
            text="All well",
            html="<p>All well</p>",
            message_id=f"<{client.pk}@example.com>",
            planned_for=now,
            next_attempt_at=now,
        )
        for kind, client in scene.clients.items()
    }

    scene.rows["suppressed address"] = {"any": Suppression.objects.create(address="gone@example.com", reason="bounce")}
    scene.rows["blast question"] = {
        "any": BlastQuestion.objects.create(kind="progress", week="2026-W48", wanted=900, usual=40)
    }


ROWS = [
    *of_list("core:outbox", "export", "select"),
    Row("core:coming", get=EVERYONE),
    Row("core:coming_skip", post=EVERYONE, about="follow_up", also={"source": "reminders"}, shuts_archived=True),
    Row("core:coming_restore", post=EVERYONE, about="follow_up", also={"source": "reminders"}, shuts_archived=True),
    Row("core:outbox_mail", get=EVERYONE, about="mail"),
    Row("core:outbox_body", get=EVERYONE, about="mail"),
    Row("core:notifications", get=EVERYONE),
    Row("core:undo-selected", post=EVERYONE, about="bulk change", seen_by={"any": ("owner",)}),
    Row("core:bulk-change", get=EVERYONE, about="bulk change", seen_by={"any": ("owner",)}),
    Row("core:bulk-stop", post=EVERYONE, about="bulk change", seen_by={"any": ("owner",)}),
    Row("core:notifications_read", post=EVERYONE),
    Row("core:notification_open", post=EVERYONE, about="notification", seen_by={"any": ("owner",)}),
    Row("core:notification_read", post=EVERYONE, about="notification", seen_by={"any": ("owner",)}),
    Row("core:outbox_cancel", post=EVERYONE, about="mail"),
    Row("core:outbox_arrived", post=EVERYONE, about="mail"),
    Row("core:outbox_again", post=EVERYONE, about="mail"),
    Row("core:outbox_release", post=EVERYONE, about="mail"),
    Row("core:mail_stopped", get=ADMINS, post=ADMINS),
    Row("core:mail_lift", post=ADMINS, about="suppressed address"),
    Row("core:mail_holds", get=ADMINS),
    Row("core:mail_release", post=ADMINS),
    Row("core:mail_answer", post=ADMINS, about="blast question"),
    Row("core:mail_events", post=OPEN, also={"provider": "postmark"}, always="missing"),
]
