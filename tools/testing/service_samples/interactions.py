from datetime import timedelta

from django.http import QueryDict

from crm.core.base.principals import acting, by_link
from interactions.follow_ups.models import FollowUp
from interactions.follow_ups.services import new_follow_up
from interactions.recording.services import Entry, new_interaction
from interactions.surveys.services.answers import new_answer
from tools.testing.samples import TODAY, Sample, by_manager, declare


def _past(own, name):
    return own.changed(name, archived_at=own.now)


def _unshared(own):
    return own.make(
        "interactions.Decision", client=own("client"), author=own.user("owner"), text="We go on", decided_date=TODAY
    )


declare(
    "interactions.agreements.services",
    record_decision=lambda own: {"client": own("client"), "text": "We go on", "decided_date": TODAY},
    create_commitment=lambda own: {"client": own("client"), "text": "We send it", "owner": own.user("owner")},
    share_decision=lambda own: {"decision": _unshared(own)},
    settle_commitment=lambda own: {"commitment": own("commitment"), "state": "kept", "now": own.now},
)
declare("interactions.cadence.services", set_cadence=lambda own: {"client": own("client"), "days": 21})


def _step(own, **values):
    return {"follow_up": own("follow_up"), "now": own.now} | values


def _closed_step(own):
    return {"follow_up": own.changed("follow_up", state="done", closed_at=own.now), "now": own.now}


declare(
    "interactions.follow_ups.services",
    record_follow_ups=lambda own: {"rows": [_follow_up(own), _follow_up(own)]},
    create_follow_up=lambda own: {"client": own("client"), "title": "Call", "due_date": TODAY, "now": own.now},
    update_follow_up=lambda own: _step(own, title="Call again"),
    complete_follow_up=_step,
    cancel_follow_up=_step,
    move_due=lambda own: _step(own, due_date=own.now.date() + timedelta(days=2)),
    snooze_follow_up=lambda own: _step(own, until=own.now + timedelta(days=2)),
    reopen_follow_up=_closed_step,
    close_as_before=lambda own: {"follow_up": own("follow_up"), "was": FollowUp(state="done", closed_at=own.now)},
)
declare(
    "interactions.log.drafts",
    keep_draft=lambda own: {"client": own("client"), "data": QueryDict("body=Half&channel=phone"), "now": own.now},
)
declare(
    "interactions.log.services",
    correct_interaction=lambda own: {"interaction": own("interaction"), "now": own.now, "body": "Said otherwise."},
    archive_interaction=lambda own: {"interaction": own("interaction"), "now": own.now},
    restore_interaction=lambda own: {"interaction": _past(own, "interaction"), "now": own.now},
    pin_interaction=lambda own: {"interaction": own("interaction"), "is_pinned": True},
)
declare(
    "interactions.recording.services",
    log_interactions=lambda own: {"rows": [_entry(own), _entry(own)]},
    log_interaction=lambda own: {
        "client": own("client"),
        "channel": "phone",
        "occurred_at": own.now,
        "body": "Said.",
        "now": own.now,
    },
)


def _follow_up(own):
    said = {"client": own("client"), "title": "Call", "due_date": TODAY, "assignee": own.user("owner")}
    return new_follow_up(acting(own.user("owner")), now=own.now, **said)


def _entry(own):
    said = {"client": own("client"), "channel": "phone", "occurred_at": own.now, "subject": "", "body": "Said."}
    return Entry(new_interaction(acting(own.user("owner")), now=own.now, **said))


def _email(own, **values):
    return {"email": own("progress email"), "now": own.now} | values


def _skipped_email(own):
    return {"email": own.changed("progress email", state="skipped"), "now": own.now}


declare(
    "interactions.progress.services.drafts",
    edit_progress=lambda own: _email(
        own, subject="Week 48, once more", content=own("progress email").content, seen_version=None
    ),
    approve_progress=lambda own: _recipient(own) and _email(own),
    redraft_progress=_email,
    skip_progress=_email,
    unskip_progress=_skipped_email,
    unapprove_progress=lambda own: _email(own, email=own.changed("progress email", state="approved")),
    include_decision=lambda own: _email(own, decision=_unshared(own)),
)


def _recipient(own):
    contact = own("progress recipient").contact
    own.make("clients.ContactEmail", contact=contact, address="elina@example.com")
    return own.changed("progress recipient", stopped_at=None)


declare(
    "interactions.progress.services.sending",
    send_progress_now=lambda own: _recipient(own) and _email(own),
    unsend_progress=lambda own: _email(own, email=own.changed("progress email", state="sent", sent_at=own.now)),
    send_test=_email,
    stop_recipient=Sample(
        lambda own: {"recipient": own.changed("progress recipient", stopped_at=None), "now": own.now},
        by=lambda own: by_link(contact_id=own("progress recipient").contact_id, client_id=own("client").pk),
    ),
)
declare(
    "interactions.progress.services.schedules",
    set_schedule=lambda own: {
        "client": own("client"),
        "recipients": [_written_contact(own)],
        "now": own.now,
    },
    resume_recipient=lambda own: {"recipient": own("progress recipient"), "note": "She asked", "now": own.now},
)
declare(
    "interactions.reminders.services.digests",
    skip_digest=lambda own: {"row": own("digest"), "now": own.now},
    restore_digest=lambda own: {"row": own.changed("digest", state="skipped", settled_at=own.now), "now": own.now},
)
LATER = timedelta(days=3)
declare(
    "interactions.reminders.services.reminders",
    skip_reminder=lambda own: {
        "follow_up": own.changed("follow_up", remind_at=own.now + LATER, due_at=own.now + LATER),
        "now": own.now,
    },
    restore_reminder=lambda own: {
        "follow_up": own.changed("follow_up", remind_at=None, due_at=own.now + LATER),
        "now": own.now,
    },
)


def _planned(own, **values):
    return {"invitation": own("survey invitation"), "now": own.now} | values


def _answer(own):
    said = {"score": 8, "comment": "", "contact": None, "answered_at": own.now}
    return new_answer(acting(own.user("owner")), survey=own("survey"), client=own("client"), now=own.now, **said)


declare(
    "interactions.surveys.services.answers",
    record_answers=lambda own: {"rows": [_answer(own), _answer(own)]},
    record_answer=lambda own: {
        "survey": own("survey"),
        "client": own("client"),
        "score": 8,
        "answered_at": own.now,
        "now": own.now,
    },
    archive_answer=lambda own: {"response": own("answer"), "now": own.now},
    restore_answer=lambda own: {"response": _past(own, "answer"), "now": own.now},
)


def _written_contact(own):
    own.make("clients.ContactEmail", contact=own("contact"), address="elina@example.com")
    return own("contact")


declare(
    "interactions.surveys.services.mailing",
    ask_contacts=lambda own: {
        "survey": own("survey"),
        "client": own("client"),
        "contacts": [_written_contact(own)],
        "now": own.now,
    },
    invite_clients=by_manager(
        lambda own: {
            "survey": own("survey"),
            "clients": type(_written_contact(own).affiliations.get().client).objects.filter(pk=own("client").pk),
            "now": own.now,
        }
    ),
    skip_invitation=_planned,
    bring_back=lambda own: {"invitation": own.changed("survey invitation", state="skipped"), "now": own.now},
    change_date=lambda own: _planned(own, send_at=own.now + timedelta(days=1)),
    send_now=Sample(_planned, by="mate", of="team"),
    skip_batch=by_manager(lambda own: _batch(own)),
)


def _asked(own):
    return by_link(contact_id=own.scene.asked.contact_id, client_id=own.scene.asked.client_id)


def _invitation(own):
    return {"invitation": type(own.scene.asked).objects.get(pk=own.scene.asked.pk), "now": own.now}


declare(
    "interactions.surveys.services.answering",
    answer_invitation=Sample(lambda own: _invitation(own) | {"score": 9}, by=_asked),
    stop_surveys=Sample(_invitation, by=_asked),
)


def _batch(own):
    row = own("survey invitation")
    row.batch = "00000000-0000-0000-0000-00000000abcd"
    row.save(update_fields=["batch"])
    return {"batch": row.batch, "invitations": type(row).objects.filter(pk=row.pk), "now": own.now}


declare(
    "interactions.surveys.services.rules",
    set_rule=by_manager(
        lambda own: {"survey": own("survey"), "is_active": True, "statuses": ["active"], "now": own.now}
    ),
    set_survey=by_manager(lambda own: {"survey": own("survey"), "question": "How likely are you to recommend us?"}),
)
