"""The pages of absence and cover, the client's header, the filter."""

from datetime import UTC, date, datetime

import pytest
from django.urls import reverse

from clients.cover.models import Cover
from clients.cover.services import arrange_cover, end_cover
from clients.records.services.clients import restrict_client
from crm.core.base.principals import acting
from crm.core.firm.choices import AccountManagersSee
from crm.core.firm.models import FirmSettings
from crm.core.firm.queries import forget_firm
from tools.testing.factories.clients import make_client, make_user

pytestmark = pytest.mark.django_db
LIST, NEW = "/absences/", "/absences/new/"
NOW = datetime(2026, 12, 2, 10, tzinfo=UTC)
START, END = date(2026, 12, 1), date(2026, 12, 5)


@pytest.fixture(autouse=True)
def on_that_day(time_machine):
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def own(firm):
    FirmSettings.objects.update(account_managers_see=AccountManagersSee.OWN)
    forget_firm()


@pytest.fixture
def northwind(marta):
    return make_client(owner=marta)


@pytest.fixture
def cover(own, marta, otto, northwind):
    return arrange_cover(acting(marta), absent=marta, covering=otto, start_date=START, end_date=END, now=NOW)


def dates(**more):
    return {"start_date": "2026-12-01", "end_date": "2026-12-05", "note": "Only urgent calls"} | more


def test_one_arranges_ones_own_absence_from_the_profile(client, marta, otto):
    client.force_login(marta)
    assert reverse("clients:covers") in client.get("/profile/").content.decode()
    form = client.get(NEW).content.decode()
    assert "Restricted clients are not included" in form and 'name="absent"' not in form
    page = client.post(NEW, dates(covering=otto.pk), follow=True).content.decode()
    assert "Otto Berg covers for Marta Kallio" in page and "Only urgent calls" in page
    assert Cover.objects.get().absent == marta


def test_a_manager_arranges_it_for_others(client, marta, otto, sini):
    client.force_login(sini)
    assert 'name="absent"' in client.get(NEW).content.decode()
    client.post(NEW, dates(absent=marta.pk, covering=otto.pk))
    row = Cover.objects.get()
    assert (row.absent, row.covering, row.arranged_by) == (marta, otto, sini)


def test_an_absence_of_somebody_else_is_ignored_in_ones_own_form(client, marta, otto, sini):
    client.force_login(otto)
    client.post(NEW, dates(absent=marta.pk, covering=sini.pk))
    assert Cover.objects.get().absent == otto


def test_wrong_input_keeps_what_was_typed(client, marta, otto):
    client.force_login(marta)
    answer = client.post(NEW, dates(covering=otto.pk, start_date="2026-12-06"))
    page = answer.content.decode()
    assert answer.status_code == 422 and "Only urgent calls" in page and "back after the first day" in page
    assert "Choose who covers." in client.post(NEW, dates(covering="")).content.decode()
    assert not Cover.objects.exists()


def test_it_is_ended_and_resumed_with_undo(client, marta, cover):
    client.force_login(marta)
    page = client.post(f"/absences/{cover.pk}/end/", follow=True).content.decode()
    assert f"/absences/{cover.pk}/resume/" in page and "no longer covers" in page
    cover.refresh_from_db()
    assert cover.ended_at == NOW
    client.post(f"/absences/{cover.pk}/resume/")
    cover.refresh_from_db()
    assert cover.ended_at is None


def test_each_sees_their_own_and_managers_all(client, marta, otto, sini, aino, cover):
    for user, is_listed in (
        (marta, True),
        (otto, True),
        (sini, True),
        (aino, True),
        (make_user(name="Third One"), False),
    ):
        client.force_login(user)
        assert ("Marta Kallio</th>" in client.get(f"{LIST}?show=all").content.decode()) == is_listed, user
        answer = client.post(f"/absences/{cover.pk}/end/")
        assert answer.status_code == (404 if not is_listed else 403 if user == otto else 302), user


def test_the_header_says_who_covers(client, marta, otto, cover, northwind):
    client.force_login(otto)
    page = client.get(northwind.get_absolute_url()).content.decode()
    assert "Otto Berg covers until 5 Dec" in page
    restrict_client(acting(marta), client=northwind)
    assert client.get(northwind.get_absolute_url()).status_code == 404
    client.force_login(marta)
    assert "covers until" not in client.get(northwind.get_absolute_url()).content.decode()


def test_the_client_list_shows_them_among_those_i_cover(client, marta, otto, cover, northwind):
    mine, secret = make_client(owner=otto, name="Otto Oy"), make_client(owner=marta, name="Secret Oy")
    restrict_client(acting(marta), client=secret, users=[otto])
    client.force_login(otto)
    page = client.get("/clients/?covered=1").content.decode()
    assert northwind.name in page and mine.name not in page and secret.name not in page
    assert client.get("/api/v1/clients/?covered=true").json()["results"][0]["name"] == northwind.name
    end_cover(acting(marta), cover=cover, now=NOW)
    assert northwind.name not in client.get("/clients/?covered=1").content.decode()


def test_it_is_changed_on_its_page(client, marta, otto, sini, cover):
    client.force_login(marta)
    url = f"/absences/{cover.pk}/"
    assert url in client.get(LIST).content.decode()
    form = client.get(url).content.decode()
    assert 'name="start_date"' not in form and 'name="absent"' not in form, "it has begun"
    wrong = client.post(url, {"covering": otto.pk, "end_date": "2026-12-01", "note": "Mine", "version": 1})
    assert wrong.status_code == 422 and "They must be back after the first day away." in wrong.content.decode()
    assert "Mine" in wrong.content.decode()
    page = client.post(url, {"covering": otto.pk, "end_date": "2026-12-09", "note": "", "version": 1}, follow=True)
    assert "Saved" in page.content.decode() and "9 Dec 2026" in page.content.decode()
    stale = client.post(url, {"covering": otto.pk, "end_date": "2026-12-11", "note": "", "version": 1})
    assert stale.status_code == 409
    Cover.objects.update(start_date=date(2026, 12, 3))
    assert 'name="start_date"' in client.get(url).content.decode()


def test_who_covers_does_not_change_it_and_others_do_not_see_it(client, otto, cover):
    url = f"/absences/{cover.pk}/"
    client.force_login(otto)
    assert url not in client.get(LIST).content.decode()
    assert [client.get(url).status_code, client.post(url, {}).status_code] == [403, 403]
    client.force_login(make_user(name="Third One"))
    assert client.get(url).status_code == 404


def test_cover_by_the_api(client, marta, otto, own, northwind):
    def call(method, path="", **data):
        return getattr(client, method)(f"/api/v1/covers/{path}", data, content_type="application/json")

    client.force_login(marta)
    made = call("post", covering=otto.pk, start_date="2026-12-01", end_date="2026-12-05")
    assert made.status_code == 201 and (made.json()["absent"], made.json()["arranged_by"]) == (marta.pk, marta.pk)
    url = f"{made.json()['id']}/"
    assert call("patch", url, end_date="2026-12-06").json()["end_date"] == "2026-12-06"
    refused = call("patch", url, absent=otto.pk)
    assert refused.status_code == 400 and "absent" in refused.json()["fields"]
    overlap = call("post", covering=otto.pk, start_date="2026-12-04", end_date="2026-12-08")
    assert overlap.status_code == 400 and "already covers" in overlap.json()["fields"]["start_date"][0]
    assert call("post", f"{url}end/").json()["ended_by"] == marta.pk
    assert client.get("/api/v1/covers/?show=current").json()["results"] == []
    assert call("post", f"{url}resume/").json()["ended_at"] is None
    client.force_login(otto)
    assert [row["id"] for row in client.get("/api/v1/covers/?covering=me").json()["results"]] == [made.json()["id"]]
    assert client.get(f"/api/v1/clients/{northwind.pk}/").status_code == 200
    assert call("post", f"{url}end/").status_code == 403
    client.force_login(make_user(name="Third One"))
    assert client.get(f"/api/v1/covers/{url}").status_code == 404
