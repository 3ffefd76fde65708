"""What somebody must not learn, or break, by the way: through filters, parents, and forms that show less than there is."""

import pytest

from clients.contacts.models import Contact
from clients.contacts.services import affiliate
from clients.gate import may_see, viewers
from clients.records.models import Client
from clients.records.services.clients import restrict_client, update_client
from crm.core.base.principals import acting
from crm.core.firm.choices import AccountManagersSee
from tools.testing.factories.clients import make_client, make_contact, make_firm, make_line, make_team, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def secret(sini):
    row = make_client(owner=sini, name="Project Basalt")
    return restrict_client(acting(sini), client=row)


def test_the_filter_of_contacts_does_not_tell_where_else_somebody_is(client, marta, sini, secret):
    elina = make_contact(actor=marta, client=make_client(owner=marta))
    affiliate(acting(sini), client=secret, contact=elina)
    client.force_login(marta)
    assert client.get("/api/v1/contacts", {"client": secret.pk}).json()["results"] == []
    client.force_login(sini)
    assert [row["id"] for row in client.get("/api/v1/contacts", {"client": secret.pk}).json()["results"]] == [elina.pk]


def test_a_parent_out_of_sight_is_not_told_and_survives_an_edit(client, marta, sini, secret):
    row = make_client(owner=marta, name="Basalt Retail")
    update_client(acting(sini), client=row, parent=secret)
    client.force_login(marta)
    assert client.get(f"/api/v1/clients/{row.pk}").json()["parent"] is None
    form = client.get(f"/clients/{row.pk}/edit/").context["form"]
    data = {name: form[name].value() or "" for name in form.fields} | {"parent": "", "city": "Turku"}
    data["tags"] = []
    assert client.post(f"/clients/{row.pk}/edit/", data).status_code == 302
    row.refresh_from_db()
    assert (row.city, row.parent_id) == ("Turku", secret.pk)
    client.force_login(sini)
    assert client.get(f"/api/v1/clients/{row.pk}").json()["parent"] == secret.pk


def test_only_who_may_hand_a_client_on_moves_it_to_another_team(client, marta, otto, sini):
    nordics = make_team(name="Nordics", members=[marta])
    row = make_client(owner=otto)
    client.force_login(marta)
    answer = client.patch(f"/api/v1/clients/{row.pk}", {"team": nordics.pk}, content_type="application/json")
    assert answer.status_code == 403
    page = client.get(f"/clients/{row.pk}/edit/")
    assert page.context["form"].fields["team"].disabled
    form = page.context["form"]
    data = {name: form[name].value() or "" for name in form.fields} | {"team": nordics.pk, "city": "Turku", "tags": []}
    assert client.post(f"/clients/{row.pk}/edit/", data).status_code == 302
    row.refresh_from_db()
    assert (row.city, row.team) == ("Turku", None)
    assert update_client(acting(otto), client=row, team=nordics).team == nordics
    assert update_client(acting(sini), client=row, team=None).team is None


def test_lifting_asks_with_the_names_that_will_see_the_client_and_is_undone(client, marta, otto, sini, secret):
    restrict_client(acting(sini), client=secret, users=[marta])
    client.force_login(sini)
    page = client.get(f"/clients/{secret.pk}/access/lift/")
    assert [*page.context["viewers"]] == [otto]
    secret.refresh_from_db()
    assert secret.is_restricted, "asking changes nothing"
    done = client.post(f"/clients/{secret.pk}/access/lift/", follow=True)
    undo = f"/clients/{secret.pk}/access/again/"
    assert undo in done.content.decode()
    assert may_see(acting(otto), secret)
    client.post(undo)
    assert (may_see(acting(otto), secret), may_see(acting(marta), secret)) == (False, True)


@pytest.mark.parametrize("scope", AccountManagersSee.values)
@pytest.mark.parametrize("is_restricted", [True, False])
def test_the_viewers_of_a_client_are_those_who_see_it(marta, otto, sini, scope, is_restricted):
    make_firm(account_managers_see=scope)
    row = make_client(owner=otto, team=make_team(members=[marta]))
    Client.objects.filter(pk=row.pk).update(is_restricted=is_restricted)
    people = [marta, otto, sini, make_user(name="Ada Admin", roles=["admin"]), make_user(name="Eero Else")]
    make_user(name="Gone", is_active=False)
    assert {*viewers(row, is_restricted=is_restricted)} == {user for user in people if may_see(acting(user), row)}


def test_names_of_people_stay_on_one_line(marta):
    elina = make_contact(actor=marta, first_name="Elina\r\nBcc: all@firm.test")
    assert Contact.objects.get(pk=elina.pk).first_name == "Elina Bcc: all@firm.test"


def test_dates_nobody_means_and_sums_nothing_holds_are_refused(client, marta):
    row = make_client(owner=marta)
    client.force_login(marta)
    url = f"/clients/{row.pk}/revenue/add/"
    good = {"date": "2026-01-05", "amount": "10", "currency": "SEK", "rate": "1", "kind": "fee"}
    for wrong in ({"date": "0001-01-01"}, {"amount": "999999999999.99", "rate": "99999999"}):
        answer = client.post(url, good | wrong)
        assert answer.status_code == 422, wrong
    assert (
        client.post(
            "/api/v1/clients", {"name": "Far", "status_start": "9999-12-31"}, content_type="application/json"
        ).status_code
        == 400
    )


def test_taking_a_line_back_does_not_tell_a_strangers_from_none(client, marta, secret, sini):
    line = make_line(actor=sini, client=secret)
    row = make_client(owner=marta)
    client.force_login(marta)
    said = []
    for pk in (line.pk, 10**9):
        done = client.post(f"/clients/{row.pk}/revenue/{pk}/undelete/", follow=True)
        said.append([str(message) for message in done.context["messages"]])
    assert said[0] == said[1] == ["Not found in the history."]
