"""Interactions and answers from files."""

import pytest

from clients.importing.tests.test_imports import counts, remarks, run
from clients.records.models import ClientFacts
from interactions.log.models import Interaction
from interactions.surveys.models import SurveyResponse
from tools.testing.factories.clients import make_client, make_contact, make_firm, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def marta():
    make_firm()
    return make_user(name="Marta Kallio", roles=["account_manager"])


def test_interactions_come_in_once_and_reset_the_last_contact(marta):
    client = make_client(owner=marta, name="Alpha")
    data = (
        b"Id,Client,Date,Type,Notes,Mood\n"
        b"1,Alpha,2026-11-02 10:00,Call,Talked about scope,1\n"
        b"2,Alpha,2026-11-03,Pigeon,x,0\n3,Beta,2026-11-03,Call,x,0\n4,Alpha,2026-11-03,Call,x,9\n"
    )
    assert counts(run(marta, "interactions", data)) == {"created": 1, "failed": 3}
    row = Interaction.objects.get()
    assert (row.channel, row.sentiment, row.body) == ("phone", 1, "Talked about scope")
    assert ClientFacts.objects.get(client=client).last_contact_at == row.occurred_at
    assert counts(run(marta, "interactions", data)) == {"unchanged": 1, "failed": 3}


def test_answers_come_in_once_and_are_never_changed(marta):
    client = make_client(owner=marta, name="Alpha")
    elina = make_contact(actor=marta, client=client, emails=[("work", "elina@alpha.example")])
    data = b"Response id,Client,Email,Date,NPS,Comment\n1,Alpha,elina@alpha.example,2026-11-01,9,Calm\n2,Alpha,,2026-11-01,11,\n"
    assert counts(run(marta, "survey-responses", data)) == {"created": 1, "failed": 1}
    answer = SurveyResponse.objects.get()
    assert (answer.score, answer.contact, answer.comment) == (9, elina, "Calm")
    assert ClientFacts.objects.get(client=client).nps_score == 9
    assert counts(run(marta, "survey-responses", data.replace(b",9,", b",3,"))) == {"failed": 2}
    assert SurveyResponse.objects.get().score == 9


def test_an_import_corrects_nobody_elses_words(marta):
    otto, sini = make_user(name="Otto Berg"), make_user(name="Sini Ranta")
    make_client(owner=sini, name="Alpha")
    head = b"Id,Client,Date,Type,Subject\n"
    assert counts(run(marta, "interactions", head + b"1,Alpha,2026-11-03,Call,Hers\n")) == {"created": 1}
    assert counts(run(otto, "interactions", head + b"1,Alpha,2026-11-03,Call,His\n")) == {"failed": 1}
    assert Interaction.objects.get().subject == "Hers"


def test_people_and_who_may_see_it_come_from_files_too(marta):
    otto = make_user(name="Otto Berg")
    client = make_client(owner=marta, name="Alpha")
    people = [
        make_contact(actor=marta, client=client, emails=[("work", f"{n}@alpha.example")]) for n in ("elina", "jan")
    ]
    data = (
        b"Id,Client,Date,Subject,Email,Participants,Visibility\n"
        b"1,Alpha,2026-11-02,Kickoff,elina@alpha.example; jan@alpha.example,Otto Berg,private\n"
        b"2,Alpha,2026-11-03,Alone,nobody@alpha.example,Ghost,\n"
        b"3,Alpha,2026-11-03,Unread,,,everybody\n"
    )
    job = run(marta, "interactions", data)
    assert counts(job) == {"created": 2, "failed": 1}
    kickoff, alone = Interaction.objects.order_by("occurred_at")
    assert ({*kickoff.contacts.all()}, [*kickoff.participants.all()]) == ({*people}, [otto])
    assert (kickoff.visibility, alone.visibility) == ("private", "firm")
    assert not alone.contacts.exists() and not alone.participants.exists()
    warned = remarks(job)[0][1]
    assert warned == [
        "No contact at Alpha has the address nobody@alpha.example. Left empty.",
        "No colleague is called “Ghost”. Left empty.",
    ]
    assert counts(run(marta, "interactions", data)) == {"unchanged": 2, "failed": 1}
    seen = data.replace(b"Ghost,\n", b"Ghost,team\n")
    assert counts(run(marta, "interactions", seen)) == {"unchanged": 1, "updated": 1, "failed": 1}
