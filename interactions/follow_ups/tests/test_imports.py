"""Follow-ups from a file."""

import pghistory
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clients.records.models import Client
from crm.core.users.models import User
from interactions.follow_ups.models import FollowUp
from interactions.tests.test_undo_of_imports import undo
from tools.testing.factories.clients import make_client
from tools.testing.importing import counts, remarks, run

pytestmark = pytest.mark.django_db
HEAD = "Id,Client,Title,Due,Assigned to"


def come_in(actor, *rows):
    return run(actor, "follow-ups", "\n".join([HEAD, *rows]).encode())


def test_whether_colleagues_see_the_clients_is_asked_once_for_all(manager, marta, otto):
    for n in range(1, 21):
        make_client(owner=manager, name=f"Client {n}")
    Client.objects.filter(name="Client 20").update(is_restricted=True)
    few = [f"a{n},Client {n},Call,2026-12-01,{user.email}" for n in (1, 20) for user in (marta, otto)]
    many = [f"b{n},Client {n},Call,2026-12-01,{user.email}" for n in range(1, 21) for user in (marta, otto)]
    asked = []
    for rows in (few, many):
        with CaptureQueriesContext(connection) as queries:
            job = come_in(manager, *[f"{row[0]}{n}{row[1:]}" for n, row in enumerate(rows)])
        assert counts(job) == {"created": len(rows)}, job.report
        assert len(remarks(job)) == 2  # at Client 20, which neither sees
        asked.append(sum('FROM "clients_client" WHERE' in q["sql"] for q in queries))
    assert FollowUp.objects.filter(assignee=manager).count() == 4
    assert asked[0] == asked[1]


def test_an_undo_gives_none_back_to_somebody_who_cannot_sign_in(manager, otto):
    make_client(owner=manager, name="Alder")
    come_in(manager, f"1,Alder,Call,2026-12-01,{otto.email}")
    job = come_in(manager, f"1,Alder,Call,2026-12-01,{manager.email}")
    assert counts(job) == {"updated": 1}, job.report
    with pghistory.context():  # in a test's one transaction the import's would still be on
        User.objects.filter(pk=otto.pk).update(is_active=False)
    done, left = undo(manager, job)
    assert done == {"left": 1} and [*left.values()] == ["It would go back to somebody who can no longer sign in."]
    assert FollowUp.objects.get().assignee == manager
