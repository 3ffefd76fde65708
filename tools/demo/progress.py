"""Weekly progress emails of some clients: two weeks already sent, and the next ones in every state of the review
queue.
"""

from datetime import timedelta

import pgtrigger
from django.db.models import F

from clients.contacts.models import Contact
from crm.core.base.principals import acting
from crm.core.base.zones import zone
from crm.core.mail.choices import MailState
from crm.core.mail.models import OutboxMail
from interactions.agreements.services import create_commitment, keep_commitment, record_decision
from interactions.progress.choices import ProgressState, WhenNothing
from interactions.progress.models import ProgressEmail
from interactions.progress.services import sending
from interactions.progress.services.drafts import approve_progress, draft_progress, hold_progress, skip_progress
from interactions.progress.services.schedules import plan_progress, set_schedule
from interactions.progress.services.sending import run_progress
from interactions.recording.services import log_interaction
from tools.demo.words import GERMAN, PROMISES

FRIDAY = 4
WEEKLY = (
    "Kestrel Robotics",
    "Aurora Hydro",
    "Tamarack Software",
    "Bayside Ferries",
    "Polar Data Centers",
    "Deccan Textiles",
)
# the deadline is noon tomorrow: drafts, each in a different state
TOMORROW = {
    "Saari & Koski Oy": "to review",
    "Brightwater Clinic": "to review",
    "Osprey Logistics": "to review",
    "Meridian Pharma": "to review",
    "Weissmann Optics": "in German",
    "Copperfield Hotels": "approved",
    "Halden Law": "skipped",
    "Henrik Aalto": "nobody",
    "Evergreen Gardens": "broken",
    "Nordlys Education": "empty",
}
# hours from now to the deadline: unread at its time, and not drafted yet
AT_HOURS = {"Pellervo Forest": 2, "Vantage Property": 31}
LATE = "Linden Dental Group"  # their emails are approved an hour late every week
ASKED = ("Nordlys Education", "Henrik Aalto")  # ask for a line if nothing happened
STEP = timedelta(hours=12)
TOLD = (
    "Saari & Koski Oy",
    "Osprey Logistics",
    "Meridian Pharma",
    "Kestrel Robotics",
    "Pellervo Forest",
)  # commitments of both sides
GERMAN_CLIENT = "Weissmann Optics"


def make(stage) -> None:
    began = stage.now - timedelta(days=15)
    _speaks_german(stage)
    for name in TOLD:
        _promises(stage, stage.clients[name])
    for place, name in enumerate((*WEEKLY, LATE)):
        _schedule(stage, name, began, weekday=FRIDAY, is_review_needed=place % 2 == 0)
    for name, state in TOMORROW.items():
        tomorrow = (stage.today + timedelta(days=1)).weekday()
        _schedule(stage, name, began, weekday=tomorrow, is_review_needed=state not in ("nobody", "empty"))
    for name, hours in AT_HOURS.items():
        at = (stage.now + timedelta(hours=hours)).astimezone(zone(stage.clients[name].time_zone))
        time = at.time().replace(second=0, microsecond=0)
        _schedule(stage, name, stage.now - timedelta(days=6), weekday=at.weekday(), deadline_time=time)
    moment = began
    while moment < stage.now:
        _half_day(stage, moment)
        moment += STEP
    _half_day(stage, stage.now)
    _tomorrow(stage)
    mark_as_sent(stage)


def _schedule(stage, name: str, now, **fields) -> None:
    client = stage.clients[name]
    people = Contact.objects.filter(affiliations__client=client).order_by("-affiliations__is_primary", "pk")
    when_nothing = WhenNothing.ASK if name in ASKED else WhenNothing.SHORT
    set_schedule(
        acting(client.owner), client=client, recipients=list(people[:2]), when_nothing=when_nothing, now=now, **fields
    )


def _half_day(stage, moment) -> None:
    """Run the ticks of these twelve hours and approve every draft in time; those of the coming days stay unread."""
    plan_progress(moment)
    run_progress(moment)
    until = min(moment + STEP, stage.now)
    waiting = ProgressEmail.objects.filter(is_review_needed=True).exclude(client__name__in=AT_HOURS)
    for email in waiting.filter(state=ProgressState.DRAFT, send_at__lt=until).exclude(client__name=LATE):
        approve_progress(acting(email.client.owner), email=email, now=moment)
    due = ProgressEmail.objects.open().filter(send_at__gt=moment, send_at__lt=until)
    for send_at in sorted(set(due.values_list("send_at", flat=True))):
        run_progress(send_at)
    for email in waiting.filter(client__name=LATE, state=ProgressState.HELD, deadline_at__lte=moment):
        late = email.deadline_at + timedelta(hours=1)
        approve_progress(acting(email.client.owner), email=email, now=late)
        run_progress(late)


def _tomorrow(stage) -> None:
    """Tomorrow's drafts, some of them already handled."""
    states = {name: state for name, state in TOMORROW.items() if state not in ("to review", "in German")}
    open_ones = ProgressEmail.objects.open().select_related("client__owner")
    for email in open_ones.filter(state=ProgressState.PLANNED).exclude(client__name__in=AT_HOURS):
        draft_progress(email=email, now=stage.now)
    for email in open_ones.filter(client__name__in=states, send_at__gt=stage.now):
        owner, state = email.client.owner, states[email.client.name]
        if state == "approved":
            approve_progress(acting(owner), email=email, now=stage.now)
        elif state == "skipped":
            reason = "Agreed on the phone: nothing this week, they are at their annual meeting"
            skip_progress(acting(owner), email=email, reason=reason, now=stage.now)
        elif state == "broken":
            hold_progress(
                email=email,
                problem="We could not fill “Done this week”. Write it yourself or try again.",
            )
        elif state == "nobody":
            for recipient in email.client.progress_schedule.recipients.all():
                at = stage.now - timedelta(days=2)
                sending.stop_recipient(recipient.link_principal, recipient=recipient, now=at)
    run_progress(stage.now)


def _speaks_german(stage) -> None:
    """A client with emails in German, and news for one."""
    client = stage.clients[GERMAN_CLIENT]
    client.language = "de"
    client.save(update_fields=["language"])
    person = client.contacts.order_by("pk")[0]
    Contact.objects.filter(pk=person.pk).update(salutation=GERMAN["salutation"])
    at = stage.now - timedelta(days=1, hours=3)
    log_interaction(
        acting(client.owner),
        client=client,
        channel="video",
        occurred_at=at,
        subject=GERMAN["subject"],
        body=GERMAN["body"],
        contacts=[person],
        visibility="shared",
        decision=GERMAN["decision"],
        decision_shared=True,
        now=at + timedelta(minutes=20),
        is_demo=True,
    )
    who, common = acting(client.owner), {"client": client, "is_shared": True, "is_demo": True}
    create_commitment(who, **common, text=GERMAN["ours"], due_date=stage.calendar.add(stage.today, 4))
    create_commitment(
        who, **common, text=GERMAN["theirs"], side="client", contact=person, due_date=stage.calendar.add(stage.today, 3)
    )


def _promises(stage, client) -> None:
    """The content of one email: commitments kept and decisions of its week, something coming, something they owe,
    something late.
    """
    person = client.contacts.order_by("pk")[0]
    who, common = acting(client.owner), {"client": client, "is_shared": True, "is_demo": True}
    kept = create_commitment(who, **common, text=PROMISES["kept"], due_date=stage.today)
    keep_commitment(acting(client.owner), commitment=kept, now=stage.now - timedelta(days=1))
    create_commitment(who, **common, text=PROMISES["ours"], due_date=stage.calendar.add(stage.today, 5))
    theirs = {"side": "client", "contact": person}
    create_commitment(who, **common, **theirs, text=PROMISES["theirs"], due_date=stage.calendar.add(stage.today, 3))
    create_commitment(who, **common, **theirs, text=PROMISES["late"], due_date=stage.today - timedelta(days=4))
    for text, days in ((PROMISES["decided"], 2), (PROMISES["noted"], 9)):
        record_decision(who, **common, text=text, decided_date=stage.today - timedelta(days=days), contact=person)


def mark_as_sent(stage) -> None:
    """Mark past mails as delivered at that time: the only place where the demo writes what the worker would."""
    with pgtrigger.ignore("core.OutboxMail:outbox_moves"):
        past = OutboxMail.objects.filter(state=MailState.PENDING, planned_for__lt=stage.now - timedelta(hours=1))
        past.update(
            state=MailState.SENT,
            sent_at=F("planned_for") + timedelta(seconds=4),
            created_at=F("planned_for"),
            reply="250 kept on this machine",
        )
