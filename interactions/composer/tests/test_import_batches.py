"""New interactions and answers of a file are written together."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clients.records.models import ClientFacts
from interactions.log.models import Interaction
from interactions.surveys.models import SurveyResponse
from tools.testing.factories.interactions import make_client
from tools.testing.importing import counts, run

pytestmark = pytest.mark.django_db


def inserts(asked, table):
    return sum(f'INSERT INTO "{table}"' in query["sql"] for query in asked)


def test_interactions_of_a_file_are_one_statement_for_each_author(marta, otto, manager):
    for name in ("Alpha", "Beta"):
        make_client(owner=marta, name=name)
    rows = [
        f"{n},{'Alpha' if n % 2 else 'Beta'},2026-01-{n:02} 10:00,Call {n},{otto.email if n > 20 else ''}"
        for n in range(1, 31)
    ]
    data = "\n".join(["Id,Client,When,Subject,Logged by", *rows]).encode()
    with CaptureQueriesContext(connection) as asked:
        job = run(manager, "interactions", data, defaults={"channel": "phone"})
    assert counts(job) == {"created": 30}, job.report
    assert inserts(asked, "interactions_interaction") == 2 and inserts(asked, "clients_externalid") == 1
    assert {author: Interaction.objects.filter(author=author).count() for author in (manager, otto)} == {
        manager: 20,
        otto: 10,
    }
    assert sorted(ClientFacts.objects.values_list("last_contact_at__day", flat=True)) == [29, 30]


def test_answers_of_a_file_are_one_statement(marta, manager):
    make_client(owner=marta, name="Alpha")
    rows = [f"{n},Alpha,{n % 11},2026-01-{n:02} 10:00" for n in range(1, 29)]
    with CaptureQueriesContext(connection) as asked:
        job = run(manager, "survey-responses", "\n".join(["Id,Client,Score,When", *rows]).encode())
    assert counts(job) == {"created": 28}, job.report
    assert inserts(asked, "interactions_surveyresponse") == 1
    assert SurveyResponse.objects.count() == 28
    assert ClientFacts.objects.get().nps_score == 28 % 11
