from datetime import UTC, date, datetime, time, timedelta

import pytest

from crm.core.base.errors import ServiceError, StaleWrite
from crm.core.base.principals import acting
from crm.core.drafts.models import Draft
from crm.core.history import queries as admin_history
from interactions.agreements.models import Decision
from interactions.follow_ups.models import FollowUp
from interactions.log import richtext
from interactions.log.choices import Channel, Visibility
from interactions.log.models import BODY_AT_MOST, Interaction
from interactions.log.queries import history
from interactions.log.services import archive_interaction, correct_interaction, restore_interaction
from interactions.recording.services import NextStep
from tools.testing.factories.interactions import NOW, log, make_client, make_contact, make_user

pytestmark = pytest.mark.django_db


def test_a_call_with_decision_and_next_step_is_one_piece_of_work(marta, northwind, elina):
    step = NextStep("Send the price", date(2026, 11, 20), time(12, 0))
    call = log(
        actor=marta,
        client=northwind,
        contacts=[elina],
        decision="Payroll from January.",
        decision_shared=True,
        next_step=step,
    )
    decision, follow_up = Decision.objects.get(), FollowUp.objects.get()
    assert (decision.interaction, decision.contact, decision.is_shared) == (call, elina, True)
    assert (follow_up.source_kind, follow_up.source_id, follow_up.contact) == ("interaction", call.pk, elina)
    assert follow_up.due_at == datetime(2026, 11, 20, 10, 0, tzinfo=UTC), "noon in Helsinki"
    northwind.facts.refresh_from_db()
    assert (northwind.facts.last_contact_at, northwind.facts.last_contact_channel) == (NOW, Channel.CALL)
    assert follow_up.title == "Send the price"
    assert (northwind.facts.next_step_id, northwind.facts.open_follow_ups) == (follow_up.pk, 1)


def test_nothing_stays_when_the_next_step_is_refused(marta, northwind):
    with pytest.raises(ServiceError) as refused:
        log(actor=marta, client=northwind, decision="Payroll.", next_step=NextStep("  ", date(2026, 11, 20)))
    assert refused.value.field == "title"
    assert not Interaction.objects.exists() and not Decision.objects.exists()


def test_a_note_is_no_contact(marta, northwind):
    log(actor=marta, client=northwind, occurred_at=NOW - timedelta(days=20))
    log(actor=marta, client=northwind, channel=Channel.NOTE, body="Their auditor changed.")
    northwind.facts.refresh_from_db()
    assert northwind.facts.last_contact_at == NOW - timedelta(days=20)


def test_an_older_call_written_down_late_does_not_turn_time_back(marta, northwind):
    log(actor=marta, client=northwind)
    log(actor=marta, client=northwind, occurred_at=NOW - timedelta(days=3), channel=Channel.EMAIL)
    northwind.facts.refresh_from_db()
    assert (northwind.facts.last_contact_at, northwind.facts.last_contact_channel) == (NOW, Channel.CALL)


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"body": "  "}, "body"), ({"occurred_at": NOW + timedelta(hours=1)}, "occurred_at")],
)
def test_what_cannot_be_logged_names_its_field(marta, northwind, fields, field):
    with pytest.raises(ServiceError) as refused:
        log(actor=marta, client=northwind, **fields)
    assert refused.value.field == field


def test_a_contact_of_another_client_is_refused(marta, northwind):
    stranger = make_contact(client=make_client(owner=marta, name="Contoso"))
    with pytest.raises(ServiceError) as refused:
        log(actor=marta, client=northwind, contacts=[stranger])
    assert refused.value.field == "contacts"
    assert not Interaction.objects.exists()


def test_the_draft_goes_only_with_the_composer_and_only_this_clients(marta, northwind):
    other = make_client(owner=marta, name="Contoso")
    for client in (northwind, other):
        Draft.objects.create(user=marta, kind="interaction", client_id=client.pk, data={"body": client.name})
    log(actor=marta, client=northwind)
    assert Draft.objects.count() == 2
    log(actor=marta, client=northwind, from_composer=True)
    assert [d.client_id for d in Draft.objects.all()] == [other.pk]


def test_a_correction_keeps_the_earlier_text(marta, northwind):
    call = log(actor=marta, client=northwind, body="They want payroll from January.")
    corrected = correct_interaction(
        acting(marta), interaction=call, body="They want payroll from February.", now=NOW, seen_version=1
    )
    assert (corrected.version, corrected.body) == (2, "They want payroll from February.")
    kept = [row.body for row in Interaction.pgh_event_model.objects.filter(pgh_obj_id=call.pk).order_by("pgh_id")]
    assert kept[0] == "They want payroll from January." and kept[-1] == "They want payroll from February."


@pytest.mark.django_db(transaction=True)  # the versions are told apart by their time
def test_what_was_written_in_private_stays_private_when_the_note_is_opened(client, marta, manager, northwind):
    note = log(actor=marta, client=northwind, body="He drinks.", visibility="private", decision="Watch him.")
    correct_interaction(acting(marta), interaction=note, body="Call again in May.", now=NOW)
    correct_interaction(acting(marta), interaction=note, visibility="firm", now=NOW)
    correct_interaction(acting(marta), interaction=note, body="Call again in June.", now=NOW)
    assert [step["changes"][0][1:] for step in history(acting(manager), note)] == [
        ("Call again in May.", "Call again in June.")
    ]
    assert len(history(acting(marta), note)) == 3
    client.force_login(manager)
    page = client.get(f"/interactions/{note.pk}/").content.decode()
    assert "Call again in May." in page and "He drinks." not in page
    for label in ("interactions.interaction", "interactions.decision"):
        entries = admin_history.read(acting(manager), label=label).entries
        said = [(entry.title, change.before, change.after) for entry in entries for change in entry.changes]
        assert "He drinks." not in str(said)
    assert {entry.kind for entry in admin_history.read(acting(manager), label="interactions.interaction").entries} == {
        "update"
    }
    assert admin_history.read(acting(manager), label="interactions.decision").entries == []
    assert len(admin_history.read(acting(marta), label="interactions.decision").entries) == 1


def test_a_stale_correction_is_refused_and_changes_nothing(marta, manager, northwind):
    call = log(actor=marta, client=northwind)
    correct_interaction(acting(manager), interaction=call, body="Minna's words", now=NOW, seen_version=1)
    with pytest.raises(StaleWrite) as refused:
        correct_interaction(acting(marta), interaction=call, body="Marta's words", now=NOW, seen_version=1)
    assert refused.value.current.body == "Minna's words"
    call.refresh_from_db()
    assert call.body == "Minna's words"


def test_making_a_call_a_note_takes_it_out_of_last_contact(marta, northwind):
    call = log(actor=marta, client=northwind)
    correct_interaction(acting(marta), interaction=call, channel=Channel.NOTE, now=NOW)
    northwind.facts.refresh_from_db()
    assert northwind.facts.last_contact_at is None


def test_archive_and_undo_move_the_last_contact(marta, northwind):
    log(actor=marta, client=northwind, occurred_at=NOW - timedelta(days=9))
    latest = log(actor=marta, client=northwind)
    archive_interaction(acting(marta), interaction=latest, now=NOW)
    northwind.facts.refresh_from_db()
    assert northwind.facts.last_contact_at == NOW - timedelta(days=9)
    restore_interaction(acting(marta), interaction=latest, now=NOW)
    northwind.facts.refresh_from_db()
    assert northwind.facts.last_contact_at == NOW


def test_a_private_one_is_seen_by_author_and_participants_alone(marta, otto, manager, northwind):
    guest = make_user(name="Greta Guest")
    talk = log(
        actor=marta, client=northwind, visibility=Visibility.PRIVATE, participants=[otto], decision="Keep this quiet."
    )
    assert {
        user.name
        for user in (marta, otto, manager, guest)
        if Interaction.objects.visible_to(acting(user)).filter(pk=talk.pk).exists()
    } == {
        marta.name,
        otto.name,
    }
    assert {
        user.name for user in (marta, otto, manager, guest) if Decision.objects.visible_to(acting(user)).exists()
    } == {
        marta.name,
        otto.name,
    }


def test_taking_part_does_not_open_a_restricted_client(marta, otto, northwind):
    northwind.is_restricted = True
    northwind.save()
    talk = log(actor=marta, client=northwind, participants=[otto], visibility=Visibility.PRIVATE)
    assert not Interaction.objects.visible_to(acting(otto)).filter(pk=talk.pk).exists()


def test_a_team_one_is_for_the_clients_team(marta, otto, manager, northwind):
    talk = log(actor=manager, client=northwind, visibility=Visibility.TEAM)
    assert not Interaction.objects.visible_to(acting(otto)).filter(pk=talk.pk).exists()
    assert Interaction.objects.visible_to(acting(marta)).filter(pk=talk.pk).exists()


def test_people_that_somebody_else_changed_are_not_put_back(marta, manager, otto, northwind):
    row = log(actor=marta, client=northwind, participants=[otto])
    correct_interaction(acting(manager), interaction=row, now=NOW, participants=[], subject="Without Otto")
    with pytest.raises(StaleWrite):
        correct_interaction(acting(marta), interaction=row, now=NOW, seen_version=1, body="More.", participants=[otto])
    correct_interaction(acting(marta), interaction=row, now=NOW, seen_version=1, body="More.", participants=[])
    row.refresh_from_db()
    assert (row.subject, row.body, row.participants.count()) == ("Without Otto", "More.", 0)


def test_archiving_and_undo_are_no_correction(client, marta, northwind):
    row = log(actor=marta, client=northwind)
    row = archive_interaction(acting(marta), interaction=row, now=NOW)
    row = restore_interaction(acting(marta), interaction=row, now=NOW)
    client.force_login(marta)
    assert row.version == 1 and "edited" not in client.get(northwind.get_absolute_url()).text


def test_a_summary_has_a_limit_whoever_writes_it(marta, northwind, client):
    call = log(actor=marta, client=northwind)
    with pytest.raises(ServiceError) as refused:
        log(actor=marta, client=northwind, body="x" * (BODY_AT_MOST + 1))
    assert refused.value.field == "body"
    with pytest.raises(ServiceError):
        correct_interaction(acting(marta), interaction=call, now=NOW, body="x" * (BODY_AT_MOST + 1))
    client.force_login(marta)
    body = {"client": northwind.pk, "channel": "call", "occurred_at": NOW.isoformat(), "body": "![[" * 100_000}
    answer = client.post("/api/v1/interactions/", body, content_type="application/json")
    assert answer.status_code == 400 and "body" in answer.json()["fields"]


def test_a_text_that_is_too_long_to_format_is_shown_as_it_was_typed(monkeypatch):
    monkeypatch.setattr(richtext, "_parser", lambda: pytest.fail("parsed"))
    html = richtext.to_html("![[<script>" * 30_000 + "\n\nEnd")
    assert html.startswith("<p>![[&lt;script&gt;") and html.endswith("<p>End</p>")
