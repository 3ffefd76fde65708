"""Weekly progress emails of some clients: three weeks sent, and some waiting for a look."""

from datetime import time, timedelta

import pgtrigger
from django.db.models import F

from clients.models import Contact
from crm.core.choices import MailState
from crm.core.models import OutboxMail
from interactions.choices import ProgressState
from interactions.models import ProgressEmail
from interactions.services.progress import plan_progress, set_schedule
from interactions.services.progress_drafts import approve_progress, draft_progress
from interactions.services.progress_sending import run_progress

FRIDAY = 4
WEEKLY = (
    "Kestrel Robotics",
    "Aurora Hydro",
    "Tamarack Software",
    "Bayside Ferries",
    "Polar Data Centers",
    "Deccan Textiles",
)
TOMORROW = (
    "Saari & Koski Oy",
    "Brightwater Clinic",
    "Osprey Logistics",
    "Meridian Pharma",
)  # their day is tomorrow: drafts wait for review
STEP = timedelta(hours=6)


def make(stage) -> None:
    began = stage.now - timedelta(days=22)
    for place, name in enumerate((*WEEKLY, *TOMORROW)):
        client = stage.clients[name]
        weekday = FRIDAY if name in WEEKLY else (stage.today + timedelta(days=1)).weekday()
        set_schedule(
            actor=client.owner,
            client=client,
            recipients=list(
                Contact.objects.filter(affiliations__client=client).order_by("-affiliations__is_primary", "pk")[:2]
            ),
            weekday=weekday,
            deadline_time=time(12, 0),
            is_review_needed=name in TOMORROW or place % 2 == 0,
            now=began,
        )
    moment = began
    while moment < stage.now:
        _hour(stage, moment)
        moment += STEP
    _hour(stage, stage.now)
    for email in ProgressEmail.objects.filter(state=ProgressState.PLANNED):
        draft_progress(email=email, now=stage.now)
    mark_as_sent(stage)


def _hour(stage, moment) -> None:
    """What the tick did then, and somebody who reads every draft in time; those of the coming days are still unread."""
    plan_progress(moment)
    run_progress(moment)
    due = ProgressEmail.objects.filter(
        state=ProgressState.DRAFT, is_review_needed=True, send_at__lt=min(moment + STEP, stage.now)
    )
    for email in due.select_related("client__owner"):
        approve_progress(actor=email.client.owner, email=email, now=moment)


def mark_as_sent(stage) -> None:
    """What was handed over in the past was delivered then: the one place where the demo writes what the worker would."""
    with pgtrigger.ignore("core.OutboxMail:outbox_moves"):
        past = OutboxMail.objects.filter(state=MailState.PENDING, planned_for__lt=stage.now - timedelta(hours=1))
        past.update(
            state=MailState.SENT,
            sent_at=F("planned_for") + timedelta(seconds=4),
            created_at=F("planned_for"),
            reply="250 kept on this machine",
        )
