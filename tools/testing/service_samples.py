"""One call of every service that succeeds, and what makes it refused: crm/tests/test_services.py calls them.

    SAMPLES["clients.records.services.clients.update_client"] = Sample(lambda own: {"client": own("client"), "city": "Turku"})

`own(name)` is the row of that name in the access table's scene, of the client in question; `own.user(name)` a person,
`own.make(model, …)` a further row. The call is made by `by` with the rows of `of`. It is refused to everybody whom the
service's permission does not allow; where it allows everybody, with the rows of the client in the trash, or with `refused`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.http import QueryDict
from django.utils import timezone

from clients.revenue.services.contracts import new_contract
from clients.revenue.services.lines import new_line
from crm.core.base.principals import SYSTEM, Principal, acting, by_link
from crm.core.files.services import store_bytes
from crm.core.importing import kinds
from crm.core.importing.services import create_import
from crm.core.mail.choices import MailState
from interactions.recording.services import Entry, new_interaction
from interactions.surveys.services.answers import new_answer
from onboarding.services.drafts import remove_task
from tools.testing.access import Scene

TODAY = date(2026, 11, 20)


class Own:
    """What a sample is built of."""

    def __init__(self, scene: Scene, of: str):
        self.scene, self.of, self.now = scene, of, timezone.now()

    def __call__(self, name: str) -> Any:
        rows = self.scene.rows[name]
        row = rows.get(self.of) or rows["any"]
        return type(row)._default_manager.get(pk=row.pk)

    def changed(self, name: str, **values: Any) -> Any:
        """The row, with these values put there past the services."""
        row = self(name)
        type(row)._default_manager.filter(pk=row.pk).update(**values)
        row.refresh_from_db()
        return row

    def make(self, label: str, **values: Any) -> Any:
        return self.scene.model(label).objects.create(**values)

    def user(self, name: str) -> Any:
        return self.scene.users[name]


@dataclass(frozen=True)
class Sample:
    args: Callable[[Own], dict[str, Any]]
    by: str | Callable[[Own], Principal] = "owner"
    of: str = "own"
    refused: Callable[[Own], dict[str, Any]] | None = None

    def principal(self, own: Own) -> Principal:
        return self.by(own) if callable(self.by) else acting(own.user(self.by))


SAMPLES: dict[str, Sample] = {}


def declare(room: str, **samples: Sample | Callable[[Own], dict[str, Any]]) -> None:
    for name, sample in samples.items():
        SAMPLES[f"{room}.{name}"] = sample if isinstance(sample, Sample) else Sample(sample)


def by_admin(args):
    return Sample(args, by="admin")


def by_manager(args):
    return Sample(args, by="manager")


# The kernel


def _clients_csv(own):
    return store_bytes(acting(own.user("owner")), name="clients.csv", data=b"Id,Name\n1,Alpha\n")


def _import(own):
    return create_import(acting(own.user("owner")), kind=kinds.get("clients"), file=_clients_csv(own))


declare(
    "crm.core.drafts.services",
    save_draft=lambda own: {
        "kind": "composer",
        "client_id": own("client").pk,
        "data": {"body": "Half"},
        "now": own.now,
    },
    discard_draft=lambda own: (
        own.make("core.Draft", user=own.user("owner"), kind="composer", data={}) and {"kind": "composer"}
    ),
)
declare("crm.core.files.services", store_bytes=lambda own: {"name": "a.csv", "data": b"Id\n1\n"})
declare(
    "crm.core.firm.services",
    add_holiday=by_admin(lambda own: {"date": date(2026, 12, 31), "name": "New Year's Eve"}),
    import_public_holidays=by_admin(lambda own: {"country": "FI", "region": "", "year": 2026}),
    remove_holiday=by_admin(lambda own: {"holiday": own("holiday")}),
    update_firm=by_admin(lambda own: {"name": "Halden Advisory"}),
)
declare(
    "crm.core.importing.services",
    create_import=lambda own: {"kind": kinds.get("clients"), "file": _clients_csv(own)},
    set_options=lambda own: {
        "job": own("import"),
        "dialect": own("import").options["dialect"],
        "mapping": {"name": "Name"},
        "defaults": {},
        "system": "old",
    },
    start_import=lambda own: {"job": _import(own), "now": own.now},
    cancel_import=lambda own: {"job": own("import"), "now": own.now},
)
declare(
    "crm.core.mail.delivery.decisions",
    cancel_mail=lambda own: {"mail": own("mail")},
    mark_arrived=lambda own: {"mail": _mail(own, MailState.UNCERTAIN), "now": own.now},
    release_mail=lambda own: {"mail": _mail(own, MailState.HELD), "now": own.now},
    send_again=lambda own: {"mail": _mail(own, MailState.DEAD), "now": own.now},
)


def _mail(own, state):
    return own.make(
        "core.OutboxMail",
        key=f"sample:{own.of}:{state}",
        kind="progress",
        state=state,
        client_id=own("client").pk,
        to_address="elina@example.com",
        subject="Week 48",
        text="All well",
        message_id=f"<{own.of}-{state}@example.com>",
        planned_for=own.now,
        next_attempt_at=own.now,
    )


declare("crm.core.mail.services.instance", claim=by_admin(lambda own: {"cancel_waiting": True, "now": own.now}))
declare(
    "crm.core.mail.services.suppression",
    enter_address=by_admin(lambda own: {"address": "a@example.com", "detail": "Asked", "now": own.now}),
    stop_address=by_admin(lambda own: {"address": "a@example.com", "reason": "bounce", "now": own.now}),
    release_address=by_admin(lambda own: {"row": own("stopped address"), "now": own.now}),
)
declare(
    "crm.core.mail.services.volume",
    answer=by_admin(lambda own: {"question": own("blast question"), "let_through": True, "now": own.now}),
)
declare(
    "crm.core.notifications.services",
    mark_read=lambda own: {"notification": own("notification"), "now": own.now},
    mark_all_read=lambda own: {"now": own.now},
)
declare(
    "crm.core.people.services.api_tokens",
    create_api_token=lambda own: {"user": own.user("owner"), "name": "Books"},
    revoke_api_token=lambda own: {"token": own("api token"), "now": own.now},
)
declare(
    "crm.core.people.services.colleagues",
    archive_team=by_admin(lambda own: {"team": own("team"), "now": own.now}),
    restore_team=by_admin(lambda own: {"team": own.changed("team", archived_at=own.now)}),
    save_team=by_admin(lambda own: {"name": "East", "lead": None, "members": [own.user("mate")]}),
    update_user=by_admin(lambda own: {"user": own.user("mate"), "name": "Mate Mateson"}),
    disable_user=by_admin(lambda own: {"user": own.user("mate"), "now": own.now, "hand_over_to": own.user("owner")}),
    enable_user=by_admin(lambda own: {"user": own.user("gone")}),
    update_profile=lambda own: {"name": "Olga Owner"},
)
declare(
    "crm.core.people.services.invitations",
    invite=by_admin(lambda own: {"email": "newer@example.com", "roles": ["manager"], "now": own.now}),
    resend_invitation=by_admin(lambda own: {"invitation": own("invitation"), "now": own.now}),
    revoke_invitation=by_admin(lambda own: {"invitation": own("invitation"), "now": own.now}),
)

# Clients

declare(
    "clients.catalogue.services",
    create_service=by_manager(lambda own: {"name": "Payroll"}),
    update_service=by_manager(lambda own: {"service": own("service"), "name": "Payroll"}),
    archive_service=by_manager(lambda own: {"service": own("service"), "now": own.now}),
    restore_service=by_manager(lambda own: {"service": own.changed("service", archived_at=own.now)}),
    create_tag=by_manager(lambda own: {"name": "Key"}),
    update_tag=by_manager(lambda own: {"tag": own("tag"), "name": "Key"}),
    delete_tag=by_manager(lambda own: {"tag": own("tag")}),
)


def _archived_contact(own):
    return {"contact": own.changed("contact", archived_at=own.now)}


declare(
    "clients.contacts.services",
    affiliate=lambda own: {"client": own("client"), "contact": own.scene.rows["contact"]["team"], "title": "CFO"},
    create_contact=lambda own: {"client": own("client"), "first_name": "Aino"},
    mark_address=Sample(
        lambda own: (
            own.make("clients.ContactEmail", contact=own("contact"), address="elina@example.com")
            and {"address": "elina@example.com", "is_refused": True, "now": own.now}
        ),
        by=lambda own: SYSTEM,
    ),
    update_contact=Sample(
        lambda own: {"contact": own("contact"), "first_name": "Aino"},
        refused=lambda own: _archived_contact(own) | {"first_name": "Aino"},
    ),
    archive_contact=lambda own: {"contact": own("contact"), "now": own.now},
    restore_contact=_archived_contact,
    set_consent=Sample(
        lambda own: _consent(own, own("contact")),
        refused=lambda own: _consent(own, own.changed("contact", archived_at=own.now)),
    ),
    end_affiliation=lambda own: {"affiliation": own("affiliation"), "left_date": TODAY},
)


def _consent(own, contact):
    return {"contact": contact, "purpose": "survey", "is_given": True, "now": own.now}


def _another(own):
    return own.make(
        "clients.ClientAccess", client=own("client"), user=own.user("stranger"), granted_by=own.user("owner")
    )


declare(
    "clients.records.services.clients",
    create_client=lambda own: {"name": "Northwind", "today": TODAY},
    update_client=lambda own: {"client": own("client"), "city": "Turku"},
    archive_client=lambda own: {"client": own("client"), "now": own.now},
    restore_client=Sample(lambda own: {"client": own("client")}, of="archived"),
    reassign_clients=lambda own: {"clients": [own("client")], "owner": own.user("mate")},
    restrict_client=lambda own: {"client": own("client"), "users": [own.user("mate")]},
    unrestrict_client=lambda own: {"client": own.changed("client", is_restricted=True)},
    grant_access=lambda own: {"client": own("client"), "user": own.user("mate")},
    revoke_access=lambda own: {"access": _another(own)},
)
declare(
    "clients.records.services.statuses",
    change_status=lambda own: {"client": own("client"), "status": "paused", "start_date": TODAY, "today": TODAY},
    withdraw_status=lambda own: {
        "period": own.make("clients.StatusPeriod", client=_paused_before(own), status="paused", start_date=TODAY),
        "today": TODAY,
    },
)


def _paused_before(own):
    own("client").status_periods.update(end_date=TODAY)
    return own("client")


EUR = {"currency": "EUR"}


def _contract(own):
    given = {"service": own("service"), "value": Decimal(900), "start_date": TODAY, "rate": 1, "period": "month"}
    return new_contract(own("client"), **given | EUR)


declare(
    "clients.revenue.services.contracts",
    create_contract=lambda own: (
        {"client": own("client"), "service": own("service"), "value": Decimal(900), "start_date": TODAY} | EUR
    ),
    create_contracts=lambda own: {"contracts": [_contract(own), _contract(own)]},
    update_contract=lambda own: {"contract": own("contract"), "notice_days": 30},
    change_price=lambda own: {
        "contract": own("contract"),
        "value": Decimal(2),
        "start_date": date(2026, 12, 1),
        "reason": "indexation",
    },
)
declare(
    "clients.revenue.services.lines",
    add_revenue_lines=lambda own: {
        "lines": [new_line(own("client"), date=TODAY, amount=Decimal(n), currency="EUR", rate=1) for n in (5, 6)],
        "today": TODAY,
    },
    add_revenue_line=lambda own: {"client": own("client"), "date": TODAY, "amount": Decimal(5), "today": TODAY} | EUR,
    update_revenue_line=lambda own: {"line": own("line"), "today": TODAY, "note": "Again"},
    delete_revenue_line=lambda own: {"line": own("line"), "today": TODAY},
    undelete_revenue_line=lambda own: {"client": own("client"), "line_id": _deleted_line(own), "today": TODAY},
)


def _deleted_line(own):
    line = own.make("clients.RevenueLine", client=own("client"), date=TODAY, amount=Decimal(3), currency="EUR")
    number = line.pk
    line.delete()
    return number


# Interactions


def _past(own, name):
    return own.changed(name, archived_at=own.now)


declare(
    "interactions.agreements.services",
    record_decision=lambda own: {"client": own("client"), "text": "We go on", "decided_date": TODAY},
    create_commitment=lambda own: {"client": own("client"), "text": "We send it", "owner": own.user("owner")},
    settle_commitment=lambda own: {"commitment": own("commitment"), "state": "kept", "now": own.now},
)
declare("interactions.cadence.services", set_cadence=lambda own: {"client": own("client"), "days": 21})


def _step(own, **values):
    return {"follow_up": own("follow_up"), "now": own.now} | values


def _closed_step(own):
    return {"follow_up": own.changed("follow_up", state="done", closed_at=own.now), "now": own.now}


declare(
    "interactions.follow_ups.services",
    create_follow_up=lambda own: {"client": own("client"), "title": "Call", "due_date": TODAY, "now": own.now},
    update_follow_up=lambda own: _step(own, title="Call again"),
    complete_follow_up=_step,
    cancel_follow_up=_step,
    snooze_follow_up=lambda own: _step(own, until=own.now + timedelta(days=2)),
    reopen_follow_up=_closed_step,
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
    log_interactions=lambda own: {"entries": [_entry(own), _entry(own)]},
    log_interaction=lambda own: {
        "client": own("client"),
        "channel": "phone",
        "occurred_at": own.now,
        "body": "Said.",
        "now": own.now,
    },
)


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
    approve_progress=_email,
    redraft_progress=_email,
    skip_progress=_email,
    unskip_progress=_skipped_email,
)


def _recipient(own):
    contact = own("progress recipient").contact
    own.make("clients.ContactEmail", contact=contact, address="elina@example.com")
    return own.changed("progress recipient", stopped_at=None)


declare(
    "interactions.progress.services.sending",
    send_progress_now=lambda own: _recipient(own) and _email(own),
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
    record_answers=lambda own: {"answers": [_answer(own), _answer(own)]},
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

# Onboarding

declare(
    "onboarding.services.drafts",
    add_phase=by_admin(lambda own: {"version": own("ob_draft"), "name": "Set up"}),
    rename_phase=by_admin(lambda own: {"phase": own("ob_phase"), "name": "Set up"}),
    move_phase=by_admin(lambda own: {"phase": _second_phase(own), "position": 0}),
    remove_phase=by_admin(lambda own: {"phase": _second_phase(own)}),
    add_task=by_admin(lambda own: {"phase": own("ob_phase"), "title": "Letter"}),
    update_task=by_admin(lambda own: {"task": own("ob_template_task"), "title": "Letter"}),
    move_task=by_admin(lambda own: {"task": own("ob_template_task"), "position": 0, "phase": _second_phase(own)}),
    remove_task=by_admin(lambda own: {"task": own("ob_template_task")}),
    put_back=by_admin(lambda own: _removed_task(own)),
)


def _second_phase(own):
    return own.make("onboarding.TemplatePhase", version_of=own("ob_draft"), key="second", name="Second", position=1)


def _removed_task(own):
    return {"version": own("ob_draft"), "removed": remove_task(acting(own.user("admin")), task=own("ob_template_task"))}


def _plan(state):
    return lambda own: {"plan": own.changed("ob_plan", state=state), "now": own.now}


declare(
    "onboarding.services.plans",
    start_plan=lambda own: {
        "client": own("client"),
        "version": own("ob_version"),
        "kickoff_date": TODAY,
        "today": TODAY,
        "now": own.now,
    },
    update_plan=lambda own: {"plan": own("ob_plan"), "now": own.now, "name": "Payroll, again"},
    begin_plan=_plan("draft"),
    activate_plan=_plan("pending"),
    pause_plan=_plan("active"),
    resume_plan=_plan("paused"),
    cancel_plan=_plan("active"),
    finish_plan=lambda own: own.changed("ob_task", is_mandatory=False) and _plan("active")(own),
    reopen_plan=lambda own: {"plan": own.changed("ob_plan", state="done", ended_at=own.now), "now": own.now},
)


def _task(own, **values):
    return {"task": own("ob_task"), "now": own.now} | values


declare(
    "onboarding.services.tasks",
    assign_task=lambda own: _task(own, assignee=own.user("mate")),
    block_task=lambda own: _task(own, reason="The bank"),
    change_due=lambda own: _task(own, due_date=date(2026, 12, 1)),
    comment_task=lambda own: {"task": own("ob_task"), "text": "Seen."},
    finish_task=_task,
    skip_task=lambda own: _task(own, reason="They have it"),
    reopen_task=lambda own: {
        "task": own.changed("ob_task", state="done", done_at=own.now, done_by=own.user("owner")),
        "now": own.now,
    },
)
declare(
    "onboarding.services.templates",
    create_template=by_admin(lambda own: {"name": "Audit"}),
    update_template=by_admin(lambda own: {"template": own("ob_template"), "name": "Audit"}),
    duplicate_template=by_admin(lambda own: {"template": own("ob_template")}),
    archive_template=by_admin(lambda own: {"template": own("ob_template"), "now": own.now}),
    restore_template=by_admin(lambda own: {"template": own.changed("ob_template", archived_at=own.now)}),
    edit_version=by_admin(lambda own: {"template": _without_draft(own)}),
    publish_version=by_admin(lambda own: {"version": own("ob_draft"), "now": own.now}),
    discard_draft=by_admin(lambda own: {"version": own("ob_draft")}),
    remove_demo_templates=by_admin(lambda own: own.make("onboarding.Template", name="Demo", is_demo=True) and {}),
)


def _without_draft(own):
    own("ob_draft").delete()
    return own("ob_template")
