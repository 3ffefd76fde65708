import uuid
from datetime import date

from django.core.files.base import ContentFile

from clients.listing.lists import CLIENTS
from crm.core.base.principals import SYSTEM, acting
from crm.core.fields.custom.changing import change_kind
from crm.core.files.services import store_bytes
from crm.core.importing import kinds
from crm.core.importing.models import ImportMove
from crm.core.importing.moves import create_move
from crm.core.importing.receiving import read_later
from crm.core.importing.services import create_import, set_options
from crm.core.mail.choices import MailState
from crm.core.work.models import Job
from tools.testing.archives import archive_of_the_firm
from tools.testing.samples import Sample, by_admin, declare


def _stopped_import(own):
    job = _import(own)
    Job.objects.filter(pk=job.pk).update(state="cancelled", report={"at": 0, "failed": []})
    return job


def _running(own):
    return change_kind(
        acting(own.user("admin")), field=own("custom field"), kind="long_text", keeps_aside=True, now=own.now
    )


def _done_import(own):
    job = _import(own)
    Job.objects.filter(pk=job.pk).update(
        state="done", report={"contexts": [str(uuid.uuid4())], "counts": {"created": 1}}
    )
    return job


def _undone_import(own):
    job = _done_import(own)
    undo = Job.objects.create(kind="undo-import", user=job.user, state="queued", options={"import": job.pk})
    Job.objects.filter(pk=job.pk).update(report={"undo": undo.pk})
    job.refresh_from_db()
    return job


def _clients_csv(own):
    return store_bytes(acting(own.user("owner")), name="clients.csv", data=b"Id,Name\n1,Alpha\n")


def _import(own):
    return create_import(acting(own.user("owner")), kind=kinds.get("clients"), file=_clients_csv(own))


def _reading(own):
    return read_later(acting(own.user("owner")), files=[_clients_csv(own)], now=own.now)


def _import_of_two_tables(own):
    job = _import(own)
    job.options["tables"] = [["a", "A", 1, ""], ["b", "B", 1, ""]]
    job.save()
    return job


def _answered_import(own):
    job = _import(own)
    Job.objects.filter(pk=job.pk).update(options=job.options | {"system": "old"})
    return job


def _waiting_import(own):
    job = _import(own)
    Job.objects.filter(pk=job.pk).update(state="queued")
    return job


def _ready_import(own):
    job = _import(own)
    Job.objects.filter(pk=job.pk).update(options=job.options | {"is_guessed": False})
    return job


def _move(own, **values):
    move = create_move(acting(own.user("owner")), files=[_clients_csv(own)])
    ImportMove.objects.filter(pk=move.pk).update(**values) if values else None
    return ImportMove.objects.get(pk=move.pk)


def _ready_move(own, **values):
    move = _move(own, **values)
    job = move.files.get().job
    defaults = {"status": "active", "status_date": "unknown", "owner": "x"}
    given = {name: job.options[name] for name in ("dialect", "mapping")}
    set_options(acting(own.user("owner")), job=job, defaults=defaults, system="old", **given)
    return move


def _done_move(own):
    move = _move(own, state="done")
    Job.objects.filter(in_move__move=move).update(
        state="done", report={"contexts": [str(uuid.uuid4())], "counts": {"created": 1}}
    )
    return move


def _of_move(own):
    move = _move(own)
    return {"move": move, "job": move.files.get().job}


def _archive(own, **values):
    file = store_bytes(acting(own.user("admin")), name="firm.zip", data=b"PK", content_type="application/zip")
    return own.make("core.Job", kind="archive", user=own.user("admin"), title="Archive", file=file, **values)


declare(
    "crm.core.archive.services",
    make_archive=by_admin(lambda own: {"now": own.now}),
    restore_archive=by_admin(lambda own: {"upload": archive_of_the_firm(own.now), "now": own.now}),
    stop_archive=by_admin(lambda own: {"job": _archive(own, state="queued"), "now": own.now}),
    note_download=by_admin(lambda own: {"job": _archive(own, state="done"), "now": own.now}),
    delete_archive=by_admin(lambda own: {"job": _archive(own, state="done")}),
)
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
    set_draft_aside=lambda own: (
        own.make("core.Draft", user=own.user("owner"), kind="composer", data={}) and {"kind": "composer"}
    ),
    bring_draft_back=lambda own: (
        own.make("core.Draft", user=own.user("owner"), kind="aside:composer", data={}) and {"kind": "composer"}
    ),
)
declare(
    "crm.core.files.services",
    store_bytes=lambda own: {"name": "a.csv", "data": b"Id\n1\n"},
    store_file=lambda own: {"name": "a.csv", "file": ContentFile(b"Id\n1\n"), "content_type": "text/csv"},
)
declare(
    "crm.core.firm.services",
    add_holiday=by_admin(lambda own: {"date": date(2026, 12, 31), "name": "New Year's Eve"}),
    remove_holiday=by_admin(lambda own: {"holiday": own("holiday")}),
    update_firm=by_admin(lambda own: {"name": "Halden Advisory"}),
)
declare(
    "crm.core.fields.custom.changing",
    change_kind=by_admin(lambda own: {"field": own("custom field"), "kind": "long_text", "now": own.now}),
    undo_change=by_admin(lambda own: {"change": own("change of a field"), "now": own.now}),
    stop_change=by_admin(lambda own: {"change": _running(own), "now": own.now}),
)
declare(
    "crm.core.fields.custom.services",
    create_field=by_admin(lambda own: {"record": "client", "label": "Class", "kind": "text"}),
    update_field=by_admin(lambda own: {"field": own("custom field"), "label": "VAT ID"}),
    archive_field=by_admin(lambda own: {"field": own("custom field"), "now": own.now}),
    restore_field=by_admin(lambda own: {"field": own.changed("custom field", archived_at=own.now)}),
    order_fields=by_admin(lambda own: {"record": "client", "ids": [own("other field").pk, own("custom field").pk]}),
    order_choices=by_admin(lambda own: {"field": own("custom field"), "keys": ["b", "a"]}),
    create_section=by_admin(lambda own: {"record": "client", "name": "Family"}),
    update_section=by_admin(lambda own: {"section": own("field section"), "name": "Invoices"}),
    order_sections=by_admin(
        lambda own: {
            "record": "client",
            "ids": [
                own.make("core.FieldSection", record="client", name="Last", position=5).pk,
                own("field section").pk,
            ],
        }
    ),
    remove_section=by_admin(lambda own: {"section": own("field section")}),
)
declare(
    "crm.core.importing.services",
    create_import=lambda own: {"kind": kinds.get("clients"), "file": _clients_csv(own)},
    choose_table=lambda own: {"job": _answered_import(own), "table": ""},
    set_options=lambda own: {
        "job": own("import"),
        "dialect": own("import").options["dialect"],
        "mapping": {"name": "Name"},
        "defaults": {},
        "system": "old",
    },
    start_import=lambda own: {"job": _ready_import(own), "now": own.now},
    cancel_import=lambda own: {"job": _waiting_import(own), "now": own.now},
    check_import=lambda own: {"job": _import(own), "now": own.now},
    set_values=lambda own: {"job": _import(own), "values": {"people": {"O. Berg": "otto@example.com"}}},
    change_kind=lambda own: {"job": _import(own), "kind": kinds.get("contacts")},
    save_mapping=lambda own: {"job": _import(own), "name": "Agenda"},
    forget_mapping=lambda own: {
        "mapping": own.make(
            "core.SavedMapping", kind="clients", name="Old", header=["Party"], created_by=own.user("owner")
        )
    },
    import_again=lambda own: {"job": _import_of_two_tables(own)},
    resume_import=lambda own: {"job": _stopped_import(own), "now": own.now},
    discard_import=lambda own: {"job": _import(own)},
)
declare(
    "crm.core.importing.receiving",
    read_later=lambda own: {"files": [_clients_csv(own)], "now": own.now},
    choose_table_later=lambda own: {"job": _import(own), "table": "", "kind": "clients", "now": own.now},
    stop_reading=lambda own: {"reading": _reading(own), "now": own.now},
)
declare(
    "crm.core.importing.moves",
    create_move=lambda own: {"files": [_clients_csv(own)]},
    add_files=lambda own: {"move": _move(own), "files": [_clients_csv(own)]},
    set_zone=lambda own: {"move": _move(own), "system": "", "zone": "Europe/Helsinki"},
    set_words=lambda own: {
        "move": _ready_move(own),
        "values": {"people": {"O. Berg": "otto@example.com"}},
        "new": {},
        "now": own.now,
    },
    set_kind=lambda own: _of_move(own) | {"kind": kinds.get("contacts")},
    leave_out=lambda own: _of_move(own),
    check_move=lambda own: {"move": _ready_move(own), "now": own.now},
    start_move=lambda own: {"move": _ready_move(own), "now": own.now},
    pause_move=lambda own: {"move": _move(own, state="running"), "now": own.now},
)
declare(
    "crm.core.importing.move_undo",
    undo_move=lambda own: {"move": _done_move(own), "now": own.now},
    stop_undo_of_move=lambda own: {"move": _move(own, state="undoing"), "now": own.now},
)
declare(
    "crm.core.importing.continuing",
    continue_move=Sample(
        lambda own: {"move_id": _ready_move(own, state="running").pk, "now": own.now}, by=lambda own: SYSTEM
    ),
)
declare(
    "crm.core.importing.undoing",
    undo_import=lambda own: {"job": _done_import(own), "now": own.now},
    stop_undo=lambda own: {"job": _undone_import(own), "now": own.now},
)
declare(
    "crm.core.listing.services",
    create_view=lambda own: {"page": CLIENTS, "name": "New", "query": {"tier": ["A"]}, "now": own.now},
    update_view=lambda own: {"view": own("own view"), "seen_version": None, "name": "Board", "is_shared": True},
    save_view=lambda own: {
        "view": own("own view"),
        "page": CLIENTS,
        "seen_version": None,
        "query": {"tier": ["B"]},
        "now": own.now,
    },
    delete_view=lambda own: {"view": own("shared view"), "now": own.now},
    restore_view=lambda own: {"view": own("deleted view")},
    order_views=lambda own: {"views": [own("shared view"), own("own view")]},
    start_with=lambda own: {"list_key": "clients:list", "view": own("shared view")},
    remember_query=lambda own: {"list_key": "clients:list", "query": "tier=A"},
    choose_columns=lambda own: {"page": CLIENTS, "columns": ["status"]},
    set_widths=lambda own: {"page": CLIENTS, "widths": {"status": 200}},
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
    release_address=by_admin(lambda own: {"row": own("suppressed address"), "now": own.now}),
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
    sign_out_everywhere=lambda own: _with_token(own) | {"now": own.now},
)


def _with_token(own):
    """A token of the one who acts, so that there is something to end."""
    own.make("core.ApiToken", user=own.user("owner"), name="Books", token_hash="0" * 64)
    return {}


declare(
    "crm.core.people.services.invitations",
    invite=by_admin(lambda own: {"email": "newer@example.com", "roles": ["manager"], "now": own.now}),
    resend_invitation=by_admin(lambda own: {"invitation": own("invitation"), "now": own.now}),
    revoke_invitation=by_admin(lambda own: {"invitation": own("invitation"), "now": own.now}),
)
