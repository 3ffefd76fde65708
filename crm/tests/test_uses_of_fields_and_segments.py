"""Whose segments and views a change of a field concerns, and what uses a segment that is deleted."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from clients.records.services.clients import update_client
from clients.segments.services import create_segment, delete_segment
from crm.core.base.principals import acting
from crm.core.fields.custom import changing, conversion_jobs, services
from crm.core.listing.models import SavedView
from crm.core.notifications.models import Notification
from interactions.surveys.models import SurveyRule
from interactions.surveys.queries import nps_survey
from interactions.surveys.services.rules import trouble_of
from tools.testing.factories.clients import make_client
from tools.testing.factories.core import make_firm, make_person

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def firm(db):
    return make_firm()


@pytest.fixture
def aino(firm):
    return make_person(name="Aino Admin", roles=["admin"])


@pytest.fixture
def marta(firm):
    return make_person(name="Marta Kallio")


@pytest.fixture
def otto(firm):
    return make_person(name="Otto Berg")


@pytest.fixture
def sini(firm):
    return make_person(name="Sini Manager", roles=["manager"])


@pytest.fixture
def size(aino, marta, otto):
    """A field that Marta uses in a segment and a view, Otto in a column of his view, and Aino, who changes it, too."""
    field = services.create_field(acting(aino), record="client", label="Size", kind="text")
    rule = {"match": "all", "rules": [{"field": "cf_size", "op": "starts_with", "values": ["1"]}]}
    create_segment(acting(marta), name="Large", rule=rule)
    create_segment(acting(aino), name="Mine", rule=rule)
    view(marta, "My large ones", query={"cf_size": ["12"]})
    view(otto, "All sizes", columns=[["cf_size", None]])
    view(otto, "Other", columns=[["name", None]])
    return field


def view(owner, name, **told):
    return SavedView.objects.create(list_key="clients:list", owner=owner, name=name, **told)


def told():
    return {
        row.user.name.split()[0]: row.text for row in Notification.objects.filter(key__regex=r"^field:\d+:\d+:\d+$")
    }


def test_owners_are_told_once_each_when_it_is_archived(aino, size, marta, otto):
    services.archive_field(acting(aino), field=size, now=NOW)
    said = told()
    assert set(said) == {marta.name.split()[0], otto.name.split()[0]}
    words = "The field “Size” was archived. You use it in the view “My large ones”, the segment “Large”."
    assert said[marta.name.split()[0]] == words
    assert "the view “All sizes”" in said[otto.name.split()[0]]
    row = Notification.objects.get(user=otto)
    assert row.url == f"{reverse('clients:list')}?view={SavedView.objects.get(name='All sizes').pk}"


def test_owners_are_told_of_a_new_name_and_of_nothing_else(aino, size, marta):
    services.update_field(acting(aino), field=size, hint="In seats")
    assert told() == {}
    services.update_field(acting(aino), field=size, label="Seats")
    assert "“Size” is now called “Seats”" in told()[marta.name.split()[0]]


def test_owners_are_told_of_a_type_that_breaks_what_they_made(aino, size, marta, otto):
    row = make_client(owner=marta, name="A")
    update_client(acting(marta), client=row, cf_size="12")
    change = changing.change_kind(acting(aino), field=size, kind="number", now=NOW)
    assert told() == {}
    conversion_jobs.run_job(job_id=change.job_id)
    said = told()
    assert set(said) == {marta.name.split()[0]}, "a column works with any type"
    assert "changed to “Number”" in said[marta.name.split()[0]] and "the segment “Large”" in said[marta.name.split()[0]]


def test_a_type_that_breaks_nothing_is_told_to_nobody(aino, size):
    change = changing.change_kind(acting(aino), field=size, kind="phone", now=NOW)
    conversion_jobs.run_job(job_id=change.job_id)
    assert told() == {}


@pytest.fixture
def in_use(client, marta, otto):
    client.force_login(marta)
    rule = {"match": "all", "rules": [{"field": "tier", "op": "is", "values": ["A"]}]}
    row = create_segment(acting(marta), name="Best", rule=rule, is_shared=True)
    query = {"segment": [str(row.pk)]}
    view(marta, "My best", query=query)
    view(otto, "Secret name", query=query)
    survey = nps_survey()
    survey.save()
    SurveyRule.objects.create(survey=survey, segment=row)
    return row


def test_deleting_lists_what_uses_it(client, in_use, marta):
    page = client.get(reverse("clients:segment_delete", args=[in_use.pk])).text
    assert "My best" in page and "of a colleague, not shared" in page and "Secret name" not in page
    assert "Automatic survey" in page and "NPS" in page
    asked = client.post(reverse("clients:segment_delete", args=[in_use.pk]))
    assert asked.status_code == 422 and "In use: 2 × View, 1 × Automatic survey" in asked.text


def test_what_used_it_says_so_and_matches_nobody(client, in_use, marta):
    make_client(owner=marta, name="Alder", tier="A")
    delete_segment(acting(marta), segment=in_use, now=NOW, is_in_use_too=True)
    page = client.get(reverse("clients:list"), {"view": SavedView.objects.get(name="My best").pk}).text
    assert "This segment was deleted" in page and "Alder" not in page
    in_use.refresh_from_db()
    assert "was deleted" in trouble_of(in_use)


def test_a_report_filtered_by_it_shows_no_numbers(client, in_use, marta, sini):
    delete_segment(acting(marta), segment=in_use, now=NOW, is_in_use_too=True)
    client.force_login(sini)
    page = client.get("/reports/", {"segment": in_use.pk})
    assert "This segment was deleted" in page.text
