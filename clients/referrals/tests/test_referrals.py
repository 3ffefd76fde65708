"""Who referred whom: the service, the gate, pages, filters and what referrers are worth."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from clients.records.services.clients import archive_client, restrict_client
from clients.records.services.statuses import change_status
from clients.referrals.models import Referral
from clients.referrals.queries import referrers
from clients.referrals.services import add_referral, archive_referral, restore_referral, update_referral
from crm.core.base.errors import ServiceError, StaleWrite
from crm.core.base.principals import acting
from tools.testing.factories.clients import make_client, make_contact, make_line

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)


@pytest.fixture
def northwind(marta):
    return make_client(owner=marta)


@pytest.fixture
def harbor(otto):
    """Otto's client, who referred others."""
    return make_client(owner=otto, name="Harbor Oy")


@pytest.fixture
def elina(otto, harbor):
    return make_contact(actor=otto, client=harbor)


def refer(actor, client, **given):
    return add_referral(acting(actor), client=client, now=NOW, **given)


def seen(user):
    return {row.referrer for row in Referral.objects.visible_to(acting(user))}


def test_by_a_client_a_contact_and_somebody_else(marta, northwind, harbor, elina):
    refer(marta, northwind, by_client=harbor, date=date(2026, 5, 3), note="At the fair")
    refer(marta, northwind, by_contact=elina)
    refer(marta, northwind, by_source="  Chamber   of Commerce ")
    assert seen(marta) == {"Harbor Oy", "Elina Saari", "Chamber of Commerce"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "one of the three"),
        ({"by_source": "Bank", "by_client": "harbor"}, "one of the three"),
        ({"by_client": "northwind"}, "cannot refer itself"),
        ({"by_source": "Bank", "date": date(2026, 11, 21)}, "future"),
        ({"by_source": "Bank", "date": date(1, 1, 1)}, "too far"),
        ({"by_source": "x" * 121}, "at most 120"),
    ],
)
def test_what_is_refused(request, marta, northwind, harbor, given, words):
    given = {name: request.getfixturevalue(v) if name == "by_client" else v for name, v in given.items()}
    with pytest.raises(ServiceError, match=words):
        refer(marta, northwind, **given)
    assert not Referral.objects.exists()


def test_the_same_referrer_only_once_and_an_archived_one_does_not_count(marta, northwind, harbor):
    row = refer(marta, northwind, by_client=harbor)
    with pytest.raises(ServiceError, match="already there"):
        refer(marta, northwind, by_client=harbor)
    archive_referral(acting(marta), referral=row, now=NOW)
    refer(marta, northwind, by_client=harbor)
    with pytest.raises(ServiceError, match="already there"):
        restore_referral(acting(marta), referral=row)


def test_the_database_refuses_two_referrers(northwind, harbor):
    with pytest.raises(IntegrityError), transaction.atomic():
        Referral.objects.create(client=northwind, by_client=harbor, by_source="Bank")


def test_nothing_about_a_referrer_out_of_sight(client, marta, otto, sini, northwind, harbor, elina):
    row = refer(marta, northwind, by_client=harbor, note="Secret handshake")
    refer(marta, northwind, by_contact=elina, note="Secret nod")
    restrict_client(acting(otto), client=harbor)
    assert seen(marta) == seen(sini) == set() and seen(otto) == {"Harbor Oy", "Elina Saari"}
    client.force_login(sini)
    for url in (
        f"/clients/{northwind.pk}/panels/referrals/",
        "/referrals/",
        "/referrals/by-referrer/",
        "/referrals/export/?as=csv",
        f"/api/v1/clients/?referred_by_client={harbor.pk}",
        "/api/v1/referrals/",
    ):
        answer = client.get(url)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert answer.status_code == 200, url
        for word in (b"Harbor", b"Elina", b"Secret"):
            assert word not in body, (url, word)
        if "referred_by" in url:
            assert b"Northwind" not in body, url
    for url in (f"/referrals/{row.pk}/", f"/api/v1/referrals/{row.pk}/"):
        assert client.get(url).status_code == 404
    with pytest.raises(ServiceError, match="somebody you can see"):
        refer(sini, northwind, by_client=harbor)
    refer(sini, northwind, by_source="Bank")
    assert seen(otto) == {"Harbor Oy", "Elina Saari", "Bank"}, "adding one tells nothing about the other"


def test_versions_that_named_somebody_out_of_sight_stay_hidden(marta, otto, sini, northwind, harbor):
    row = refer(marta, northwind, by_client=harbor, note="Secret handshake")
    update_referral(acting(marta), referral=row, now=NOW, by_client=None, by_source="Bank", note="")
    restrict_client(acting(otto), client=harbor)
    versions = Referral.objects.all().history_visible_to
    assert [version.note for version in versions(acting(sini))] == [""]
    assert versions(acting(otto)).count() == 2


def test_the_form_adds_edits_and_archives(client, marta, northwind, harbor):
    client.force_login(marta)
    new = f"/clients/{northwind.pk}/referrals/new/"
    assert client.get(new).status_code == 200
    answer = client.post(new, {"by_client": "", "by_source": "", "note": "Keep this"})
    assert answer.status_code == 422 and "Keep this" in answer.content.decode()
    client.post(new, {"by_client": harbor.pk, "by_source": "", "date": "2026-05-03", "note": "At the fair"})
    row = Referral.objects.get()
    card = client.get(f"/clients/{northwind.pk}/panels/referrals/").content.decode()
    assert "Harbor Oy" in card and "At the fair" in card
    assert "Northwind" in client.get(f"/clients/{harbor.pk}/panels/referrals/").content.decode()
    given = {"by_client": harbor.pk, "date": "2026-05-03", "note": "At the boat fair", "version": row.version}
    assert client.post(f"/referrals/{row.pk}/", given).status_code == 302
    stale = client.post(f"/referrals/{row.pk}/", given | {"note": "Somewhere else", "version": row.version})
    assert stale.status_code == 409 and "Somewhere else" in stale.content.decode()
    client.post(f"/referrals/{row.pk}/archive/")
    assert ">Harbor Oy</a>" not in client.get(f"/clients/{northwind.pk}/panels/referrals/").content.decode()
    client.post(f"/referrals/{row.pk}/restore/")
    assert "Harbor Oy" in client.get(f"/clients/{northwind.pk}/panels/referrals/").content.decode()


def test_a_stale_version_and_an_archived_client_are_refused(marta, northwind, harbor):
    row = refer(marta, northwind, by_client=harbor)
    update_referral(acting(marta), referral=row, now=NOW, note="One")
    with pytest.raises(StaleWrite):
        update_referral(acting(marta), referral=row, now=NOW, note="Two", seen_version=1)
    archive_client(acting(marta), client=northwind, now=NOW)
    row.refresh_from_db()
    with pytest.raises(PermissionDenied):
        update_referral(acting(marta), referral=Referral.objects.get(), now=NOW, note="Three")


def test_filters_and_the_column_of_the_client_list(client, marta, northwind, harbor, elina):
    other = make_client(owner=marta, name="Other Oy")
    refer(marta, northwind, by_client=harbor)
    refer(marta, northwind, by_source="Chamber")
    refer(marta, other, by_contact=elina)
    client.force_login(marta)
    for query, wanted in (
        (f"referred_by_client={harbor.pk}", {"Northwind Advisory"}),
        (f"referred_by_contact={elina.pk}", {"Other Oy"}),
        ("referred_by_source=chamber", {"Northwind Advisory"}),
    ):
        found = client.get(f"/api/v1/clients/?{query}").json()["results"]
        assert {row["name"] for row in found} == wanted, query
    assert "Harbor Oy, Chamber" in client.get("/clients/?columns=name,referred").content.decode()
    file = b"".join(client.get("/clients/export/?as=csv&columns=name,referred").streaming_content).decode()
    assert "Referred by" in file and "Harbor Oy, Chamber" in file


def test_what_each_referrer_is_worth(client, marta, otto, sini, northwind, harbor, elina):
    other, gone = make_client(owner=marta, name="Other Oy"), make_client(owner=marta, name="Gone Oy")
    change_status(
        acting(marta),
        client=gone,
        status="former",
        start_date=date(2026, 11, 20),
        reason="price",
        today=date(2026, 11, 20),
    )
    make_line(actor=marta, client=northwind, amount="1000")
    make_line(actor=marta, client=other, amount="250")
    for referred in (northwind, gone):
        refer(marta, referred, by_client=harbor)
    refer(marta, other, by_source="Chamber")
    refer(marta, northwind, by_source="CHAMBER")
    found = {row.name.lower(): (row.brought, row.still, row.revenue) for row in referrers(acting(sini))}
    assert found == {"harbor oy": (2, 1, Decimal(1000)), "chamber": (2, 2, Decimal(1250))}
    restrict_client(acting(marta), client=northwind)
    found = {row.name.lower(): (row.brought, row.still, row.revenue) for row in referrers(acting(sini))}
    assert found == {"harbor oy": (1, 0, Decimal(0)), "chamber": (1, 1, Decimal(250))}, "of what the reader sees"
    client.force_login(sini)
    page = client.get("/referrals/by-referrer/").content.decode()
    assert f"/clients/?referred_by_client={harbor.pk}" in page and "€250" in page


def test_the_api_adds_reads_changes_and_archives(client, marta, northwind, harbor):
    client.force_login(marta)
    made = client.post(
        "/api/v1/referrals/", {"client": northwind.pk, "by_client": harbor.pk}, content_type="application/json"
    )
    assert made.status_code == 201, made.content
    url = f"/api/v1/referrals/{made.json()['id']}/"
    changed = client.patch(url, {"note": "Lunch"}, content_type="application/json", headers={"If-Match": made["ETag"]})
    assert changed.json()["note"] == "Lunch"
    wrong = client.post("/api/v1/referrals/", {"client": northwind.pk}, content_type="application/json")
    assert wrong.status_code in (400, 422)
    assert client.delete(url, headers={"If-Match": changed["ETag"]}).status_code == 204
    assert client.get("/api/v1/referrals/").json()["results"] == []


def test_value_by_referrer_has_pages_and_files(client, marta, sini, northwind, harbor, monkeypatch):
    for n in range(5):
        add_referral(acting(marta), client=northwind, by_source=f"Bank {n}", now=NOW)
    add_referral(acting(marta), client=northwind, by_client=harbor, now=NOW)
    monkeypatch.setattr("clients.referrals.views.ON_PAGE", 4)
    client.force_login(sini)
    names, url = [], "/referrals/by-referrer/"
    while url:
        page = client.get(url)
        names += [item["row"].name for item in page.context["rows"]]
        url = page.context["next_url"]
    assert page.context["previous_url"] == "/referrals/by-referrer/?page=1" and "5–6 referrers" in " ".join(
        page.content.decode().split()
    )
    assert sorted(names) == [*(f"Bank {n}" for n in range(5)), harbor.name]
    for kind in ("csv", "xlsx"):
        assert client.get(f"/referrals/by-referrer/export/?as={kind}").status_code == 200
    file = b"".join(client.get("/referrals/by-referrer/export/?as=csv").streaming_content).decode()
    assert file.count("\n") == 7 and "Bank 4" in file and harbor.name in file
    assert client.get("/referrals/by-referrer/export/?as=pdf").status_code == 404
