"""What somebody must not learn, or break, by the way: through filters, parents, and forms that show less than there is."""

import pytest

from clients.catalogue.models import Tag
from clients.contacts.models import Contact
from clients.contacts.services import affiliate
from clients.gate import may_see, viewers
from clients.importing.common import own_id
from clients.records.models import Client, ExternalId
from clients.records.services.clients import restrict_client, update_client
from crm.core.base.principals import acting
from crm.core.firm.choices import AccountManagersSee
from crm.core.importing import running
from crm.core.importing import services as importing
from crm.core.listing.models import BulkChange
from tools.testing.factories.clients import NOW, make_client, make_contact, make_firm, make_line, make_team, make_user
from tools.testing.importing import counts, prepare, run

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


@pytest.mark.parametrize("url", ["/clients/export/?as=all", "/imports/export/clients.csv"])
def test_a_file_names_no_parent_out_of_sight(client, marta, sini, secret, url):
    row = make_client(owner=marta, name="Basalt Retail")
    update_client(acting(sini), client=row, parent=secret)
    own = own_id("client", secret.pk)

    def said_to(user):
        client.force_login(user)
        return b"".join(client.get(url).streaming_content).decode()

    assert own not in said_to(marta) and own in said_to(sini)
    job = run(marta, "clients", said_to(marta).encode(), system="rapport")
    row.refresh_from_db()
    assert counts(job) == {"unchanged": 1} and row.parent_id == secret.pk


def test_the_preview_of_an_import_names_no_parent_out_of_sight(client, marta, sini, secret):
    row = make_client(owner=marta, name="Basil Retail")
    other = make_client(owner=marta, name="Other Holding")
    update_client(acting(sini), client=row, parent=secret)
    data = f"id,name,parent\n{own_id('client', row.pk)},Basil Retail,{own_id('client', other.pk)}\n".encode()
    columns = {"external_id": "id", "name": "name", "parent_external_id": "parent"}

    def shown_to(user):
        job = prepare(user, "clients", data, system="rapport", mapping=columns)
        importing.check_import(acting(user), job=job, now=NOW)
        running.run_job(job_id=job.pk)
        client.force_login(user)
        return client.get(f"/imports/{job.pk}/preview/").text

    page = shown_to(marta)
    assert "Other Holding" in page and "Basalt" not in page
    assert "Project Basalt" in shown_to(sini)


def test_no_chip_of_a_filter_names_somebody_out_of_sight(client, marta, sini, secret):
    hidden = make_contact(actor=sini, client=secret, first_name="Petra", last_name="Vuori")

    def texts(user):
        client.force_login(user)
        urls = [
            f"/contacts/?client={secret.pk}",
            f"/surveys/?client={secret.pk}",
            f"/surveys/asked/?client={secret.pk}&show=sent",
            f"/surveys/asked/?contact={hidden.pk}&show=sent",
            f"/interactions/?contact={hidden.pk}",
        ]
        return [client.get(url) for url in urls]

    for answer in texts(marta):
        assert answer.status_code == 200
        assert "Project Basalt" not in answer.text and "Petra" not in answer.text, answer.request
    assert all("Project Basalt" in answer.text or "Petra" in answer.text for answer in texts(sini))


def test_nothing_is_done_to_selected_clients_out_of_sight(client, marta, otto, sini, secret):
    own = make_client(owner=marta, name="Own")
    tag = Tag.objects.create(name="Key")
    client.force_login(marta)
    chosen = {"action": "clients.tag", "confirmed": "1", "tag": tag.pk}
    for extra in ({"all_matching": "on"}, {"ids": [secret.pk, own.pk]}, {"ids": [secret.pk]}):
        client.post("/clients/select/", chosen | extra)
        client.post("/clients/select/", {"action": "clients.archive"} | {"ids": [secret.pk]})
    secret.refresh_from_db()
    assert not secret.tags.exists() and secret.archived_at is None
    assert [*own.tags.all()] == [tag] and BulkChange.objects.count() == 1


def test_a_step_is_taken_back_by_who_took_it_and_sees_the_rows_still(client, marta, otto, sini):
    row, tag = make_client(owner=otto, name="Shared"), Tag.objects.create(name="Key")
    client.force_login(marta)
    client.post("/clients/select/", {"action": "clients.tag", "confirmed": "1", "tag": tag.pk, "ids": [row.pk]})
    undo = f"/lists/undo/{BulkChange.objects.get().pk}/"
    client.force_login(otto)
    assert client.post(undo).status_code == 404
    restrict_client(acting(otto), client=row)
    client.force_login(marta)
    client.post(undo)
    assert [*row.tags.all()] == [tag]


def test_who_sees_a_client_gives_it_to_nobody_by_any_door(client, marta, otto):
    row = make_client(owner=otto, name="Otto's")
    nordics = make_team(name="Nordics", members=[marta])
    client.force_login(marta)
    page = {"HX-Request": "true"}
    version = row.version
    assert client.get(f"/clients/{row.pk}/facts/owner/", headers=page).status_code == 403
    for given in ({"owner": marta.pk}, {"owner": marta.pk, "version": version}):
        assert client.post(f"/clients/{row.pk}/facts/owner/", given, headers=page).status_code == 403
    for name in ("team", "is_restricted", "status", "name", "archived_at", "version"):
        answer = client.post(f"/clients/{row.pk}/facts/{name}/", {name: nordics.pk, "version": version}, headers=page)
        assert answer.status_code == 404, name
    both = {"industry": "Stone", "owner": marta.pk, "team": nordics.pk, "version": version}
    client.post(f"/clients/{row.pk}/facts/industry/", both, headers=page)
    for given, status in (
        ({"owner": marta.pk}, 403),
        ({"team": nordics.pk}, 403),
        ({"is_restricted": True}, 400),
        ({"archived_at": None}, 400),
        ({"facts": {"nps_score": 9}}, 400),
        ({"status": "former"}, 400),
    ):
        url = f"/api/v1/clients/{row.pk}"
        assert client.patch(url, given, content_type="application/json").status_code == status, given
    ExternalId.objects.create(system="sf", kind="client", value="1", object_id=row.pk)
    put = client.put("/api/v1/clients/by-external-id/sf/1", {"owner": marta.pk}, content_type="application/json")
    known = {"external_ids": [{"system": "sf", "value": "1"}], "team": nordics.pk}
    batch = client.post("/api/v1/clients/batch", {"rows": [known]}, content_type="application/json").json()
    assert (put.status_code, [one["status"] for one in batch["results"]]) == (403, [403])
    client.post(
        "/clients/select/", {"action": "clients.reassign", "confirmed": "1", "owner": marta.pk, "ids": [row.pk]}
    )
    data = f"id,name,owner,team\n{own_id('client', row.pk)},Otto's,{marta.email},Nordics\n".encode()
    columns = {"external_id": "id", "name": "name", "owner": "owner", "team": "team"}
    run(marta, "clients", data, system="rapport", mapping=columns)
    row.refresh_from_db()
    assert (row.owner, row.team, row.is_restricted, row.industry) == (otto, None, False, "Stone")


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
