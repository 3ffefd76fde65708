"""Engagements: opened, numbered, moved, closed; their team and parties; the list, the page, the API; the firm's word."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied

from clients.engagements.models import Engagement, EngagementTeam
from clients.engagements.services import kinds, records
from clients.importing import ENGAGEMENTS
from clients.records.services.clients import archive_client, restrict_client
from crm.core.base.errors import ServiceError, StaleWrite
from crm.core.base.principals import SYSTEM, acting
from crm.core.firm.services import update_firm
from crm.core.listing.models import BulkChange
from crm.core.people.reassignment import reassign_all
from crm.core.search import sources
from tools.testing.factories.clients import make_client, make_user
from tools.testing.factories.engagements import make_engagement
from tools.testing.importing import as_csv

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


@pytest.fixture
def northwind(marta):
    return make_client(owner=marta)


@pytest.fixture
def mill(marta, northwind):
    return make_engagement(actor=marta, client=northwind, now=NOW, budget=Decimal(12000))


@pytest.fixture
def browser(client, marta):
    client.force_login(marta)
    return client


def states(row):
    return [(change.state, change.left_at is None) for change in row.state_changes.all()]


def test_it_begins_open_with_a_number_of_the_year_and_the_clients_owner_as_lead(marta, northwind, mill):
    assert (mill.number, mill.lead, mill.state, mill.opened_date) == ("2026-0001", marta, "open", date(2026, 11, 20))
    assert mill.currency == "EUR" and states(mill) == [("open", True)]
    named = make_engagement(actor=marta, client=northwind, number="2026-0041", now=NOW)
    free = make_engagement(actor=marta, client=northwind, number="Pine/7", state="intake", now=NOW)
    following = make_engagement(actor=marta, client=northwind, now=NOW)
    assert (named.number, free.number, following.number) == ("2026-0041", "Pine/7", "2026-0042")
    assert (free.state, free.opened_date) == ("intake", None)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"title": " "}, "title"),
        ({"number": "2026-0001"}, "number"),
        ({"number": "2026-0001 "}, "number"),
        ({"state": "closed"}, "state"),
        ({"budget": Decimal(-1)}, "budget"),
        ({"currency": "euro"}, "currency"),
        ({"opened_date": date(9999, 1, 1)}, "opened_date"),
    ],
)
def test_bad_input_changes_nothing(marta, northwind, mill, fields, field):
    with pytest.raises(ServiceError) as refused:
        make_engagement(actor=marta, client=northwind, now=NOW, **fields)
    assert refused.value.field == field and Engagement.objects.count() == 1


def test_lead_and_team_see_the_client(marta, otto, northwind, mill):
    restrict_client(acting(marta), client=northwind)
    for give in (
        lambda: records.update_engagement(acting(marta), engagement=mill, lead=otto),
        lambda: records.add_to_team(acting(marta), engagement=mill, user=otto),
        lambda: make_engagement(actor=marta, client=northwind, now=NOW, team=[otto]),
    ):
        with pytest.raises(ServiceError, match="Otto Berg cannot see this client"):
            give()


def test_it_moves_through_its_states_and_each_is_kept(marta, mill):
    me = acting(marta)
    records.move_engagement(me, engagement=mill, state="closing", now=NOW)
    records.close_engagement(me, engagement=mill, now=NOW)
    with pytest.raises(ServiceError):
        records.move_engagement(me, engagement=mill, state="closing", now=NOW)
    back = records.reopen_engagement(me, engagement=mill, now=NOW)
    assert (back.state, back.closed_date) == ("open", None)
    assert states(mill) == [("open", False), ("closing", False), ("closed", False), ("open", True)]


def test_a_move_is_undone_as_if_it_had_not_been(browser, marta, northwind):
    row = make_engagement(actor=marta, client=northwind, state="intake", now=NOW)
    said = browser.post(f"/engagements/{row.pk}/to/open/", follow=True).content.decode()
    undo = f"/engagements/{row.pk}/moved/2/undo/"
    assert undo in said
    browser.post(undo)
    row.refresh_from_db()
    assert (row.state, row.opened_date, row.version) == ("intake", None, 3) and states(row) == [("intake", True)]
    row = records.move_engagement(acting(marta), engagement=row, state="open", now=NOW)
    closed = records.close_engagement(acting(marta), engagement=row, now=NOW)
    records.update_engagement(acting(marta), engagement=row, title="Else")
    with pytest.raises(ServiceError, match="changed since"):
        records.undo_engagement_move(acting(marta), engagement=row, seen_version=closed.version)
    assert "changed since" in browser.post(f"/engagements/{row.pk}/moved/5/undo/", follow=True).content.decode()
    row.refresh_from_db()
    assert row.state == "closed"


def test_it_closes_on_a_day_between_its_opening_and_today(marta, mill):
    for day in (date(2026, 11, 19), date(2026, 11, 21)):
        with pytest.raises(ServiceError) as refused:
            records.close_engagement(acting(marta), engagement=mill, now=NOW, closed_date=day)
        assert refused.value.field == "closed_date"
    mill.refresh_from_db()
    assert mill.state == "open"


def test_a_stale_edit_of_the_same_field_is_refused_and_of_another_merges(marta, mill):
    me = acting(marta)
    records.update_engagement(me, engagement=mill, seen_version=1, title="Sale of the yard")
    with pytest.raises(StaleWrite):
        records.update_engagement(me, engagement=mill, seen_version=1, title="Sale of the field")
    row = records.update_engagement(me, engagement=mill, seen_version=1, budget=Decimal(5))
    assert (row.title, row.budget) == ("Sale of the yard", Decimal(5))


def test_parties_are_contacts_of_the_client_or_names(marta, northwind, mill):
    from clients.contacts.services import affiliate, create_contact

    me = acting(marta)
    elina = create_contact(me, client=northwind, first_name="Elina", last_name="Saari")
    stranger = create_contact(me, client=make_client(owner=marta, name="Eastwind"), first_name="Ola", last_name="Nord")
    records.add_party(me, engagement=mill, role="client", contact=elina)
    other = records.add_party(me, engagement=mill, role="other_side", outside_name=" Pine  Holding ")
    assert [str(party) for party in mill.parties.all()] == ["Elina Saari", "Pine Holding"]
    for wrong in (
        {"contact": stranger},
        {},
        {"contact": elina, "outside_name": "Pine"},
        {"contact": elina, "role": "client"},
    ):
        with pytest.raises(ServiceError):
            records.add_party(me, engagement=mill, **wrong)
    affiliate(me, client=northwind, contact=stranger)
    records.update_party(me, party=other, contact=stranger, outside_name="")
    records.remove_party(me, party=other)
    assert mill.parties.get().contact == elina


def test_whoever_leaves_hands_over_what_they_lead(marta, otto, mill):
    records.add_to_team(acting(marta), engagement=mill, user=otto)
    reassign_all(SYSTEM, user=marta, to=otto, now=NOW)
    mill.refresh_from_db()
    assert mill.lead == otto and not EngagementTeam.objects.exists()


def test_restricting_is_for_those_who_answer_for_it(marta, otto, sini, mill):
    with pytest.raises(PermissionDenied):
        records.restrict_engagement(acting(otto), engagement=mill, now=NOW)
    records.restrict_engagement(acting(sini), engagement=mill, now=NOW)
    assert not Engagement.objects.visible_to(acting(sini)).exists()
    assert Engagement.objects.visible_to(acting(marta)).get() == mill


def test_an_archived_client_keeps_its_engagements_as_they_are(marta, northwind, mill):
    archive_client(acting(marta), client=northwind, now=NOW)
    mill.refresh_from_db()
    with pytest.raises(PermissionDenied):
        records.update_engagement(acting(marta), engagement=mill, title="Else")


# Pages


def test_the_list_shows_current_ones_and_narrows(browser, marta, otto, northwind, mill):
    theirs = make_engagement(actor=otto, client=make_client(owner=otto, name="Eastwind"), title="Audit", now=NOW)
    done = make_engagement(actor=marta, client=northwind, title="Old case", now=NOW)
    records.close_engagement(acting(marta), engagement=done, now=NOW)
    page = browser.get("/engagements/").content.decode()
    assert mill.title in page and theirs.title in page and "Old case" not in page and "€12,000" in page
    assert "Old case" in browser.get("/engagements/?show=closed").content.decode()
    mine = browser.get("/engagements/?mine=1&show=all").content.decode()
    assert mill.title in mine and theirs.title not in mine
    records.add_to_team(acting(otto), engagement=theirs, user=marta)
    assert theirs.title in browser.get("/engagements/?mine=1").content.decode()
    found = browser.get(f"/engagements/?client={northwind.pk}&show=all&q=0001").content.decode()
    assert mill.title in found and theirs.title not in found
    assert "Sale of the mill" in b"".join(browser.get("/engagements/export/").streaming_content).decode()


def test_a_new_one_keeps_what_was_typed_when_it_is_refused(browser, northwind, mill):
    data = {"client": northwind.pk, "title": "Lease", "number": "2026-0001", "state": "open", "currency": "EUR"}
    data |= {"opened_date": "2026-11-20", "budget": "900"}
    refused = browser.post("/engagements/new/", data)
    assert refused.status_code == 422 and "already in use" in refused.content.decode()
    assert 'value="Lease"' in refused.content.decode()
    made = browser.post("/engagements/new/", data | {"number": ""})
    row = Engagement.objects.get(title="Lease")
    assert made.url == f"/engagements/{row.pk}/" and row.number.endswith("-0002") or row.number.endswith("-0001")


def test_an_edit_that_is_stale_answers_409_with_both_values(browser, marta, mill):
    form = {"title": "Mine", "number": mill.number, "lead": marta.pk, "opened_date": "2026-11-20", "currency": "EUR"}
    seen = browser.get(f"/engagements/{mill.pk}/edit/").context["form"]
    assert seen.initial["title"] == mill.title
    records.update_engagement(SYSTEM, engagement=mill, title="Theirs")
    conflict = browser.post(f"/engagements/{mill.pk}/edit/", form | {"version": mill.version, "budget": "12000"})
    assert conflict.status_code == 409 and "Theirs" in conflict.content.decode()


def test_team_and_parties_are_added_and_removed_on_its_page(browser, otto, mill):
    browser.post(f"/engagements/{mill.pk}/team/add/", {"user": otto.pk})
    browser.post(f"/engagements/{mill.pk}/parties/add/", {"role": "other_side", "outside_name": "Pine Holding"})
    page = browser.get(f"/engagements/{mill.pk}/").content.decode()
    assert "Otto Berg" in page and "Pine Holding" in page
    browser.post(f"/engagements/{mill.pk}/team/{mill.seats.get().pk}/remove/")
    browser.post(f"/engagements/{mill.pk}/parties/{mill.parties.get().pk}/remove/")
    assert not mill.seats.exists() and not mill.parties.exists()
    wrong = browser.post(f"/engagements/{mill.pk}/parties/add/", {"role": "other_side"})
    assert wrong.status_code == 422 and "enter a name" in wrong.content.decode()


@pytest.mark.parametrize(("word", "one", "many"), [("matter", "matter", "Matters"), ("project", "project", "Projects")])
def test_pages_use_the_word_of_the_firm(browser, aino, northwind, mill, word, one, many):
    update_firm(acting(aino), engagement_word=word)
    listed = browser.get("/engagements/").content.decode()
    assert f"New {one}" in listed and many in listed and "ngagements</" not in listed
    assert f">{many}<" in browser.get(f"/clients/{northwind.pk}/").content.decode().replace("\n", "")
    assert "ngagement " not in browser.get(f"/engagements/{mill.pk}/").content.decode().split("<main")[1]


def test_off_hides_pages_fields_and_navigation_but_not_the_barrier(browser, aino, otto, northwind, mill):
    records.restrict_engagement(SYSTEM, engagement=mill, now=NOW)
    update_firm(acting(aino), engagement_word="off")
    for url in ("/engagements/", "/engagements/new/", f"/engagements/{mill.pk}/", "/engagements/export/"):
        assert browser.get(url).status_code == 404, url
    assert browser.get("/api/v1/engagements/").status_code == 404
    home = browser.get(f"/clients/{northwind.pk}/").content.decode()
    assert "/engagements/" not in home and 'name="engagement"' not in home
    found = sources.find(acting(northwind.owner), "mill")
    assert "Engagement" not in {str(hit.kind) for group in found for hit in group.hits}
    assert not Engagement.objects.visible_to(acting(otto)).exists()


def test_kinds_are_for_admins(client, aino, marta):
    client.force_login(marta)
    assert client.get("/settings/engagement-kinds/").status_code == 403
    client.force_login(aino)
    client.post("/settings/engagement-kinds/new/", {"name": "Litigation"})
    assert "Litigation" in client.get("/settings/engagement-kinds/").content.decode()
    with pytest.raises(ServiceError, match="already exists"):
        kinds.create_engagement_kind(acting(aino), name="litigation")


def test_admins_lift_a_restriction_by_name_alone(client, aino, mill):
    records.restrict_engagement(SYSTEM, engagement=mill, now=NOW)
    client.force_login(aino)
    assert client.get(f"/engagements/{mill.pk}/").status_code == 404
    page = client.get("/clients/restricted/").content.decode()
    assert mill.number in page and mill.title in page
    client.post(f"/engagements/{mill.pk}/lift/")
    assert client.get(f"/engagements/{mill.pk}/").status_code == 200


# The API


def test_the_api_opens_changes_moves_and_closes(browser, marta, northwind):
    def send(method, url, data=None):
        return getattr(browser, method)(f"/api/v1/engagements/{url}", data or {}, content_type="application/json")

    made = send("post", "", {"client": northwind.pk, "title": "Lease", "budget": "900.00", "begins_as": "intake"})
    assert made.status_code == 201, made.content
    row = made.json()
    assert row["state"] == "intake" and row["lead"] == marta.pk and row["number"]
    one = f"{row['id']}/"
    assert send("post", f"{one}move/", {"state": "open"}).json()["state"] == "open"
    assert send("patch", one, {"title": "Lease of the yard"}).json()["title"] == "Lease of the yard"
    otto = make_user(name="Otto Berg")
    assert send("post", f"{one}team/", {"user": otto.pk}).json()["team"] == [otto.pk]
    assert send("post", f"{one}team/remove/", {"user": otto.pk}).json()["team"] == []
    party = send("post", f"{one}parties/", {"role": "other_side", "outside_name": "Pine"})
    assert party.status_code == 201
    assert send("delete", f"{one}parties/{party.json()['id']}/").status_code == 204
    assert send("post", f"{one}close/").json()["state"] == "closed"
    assert [change["state"] for change in browser.get(f"/api/v1/engagements/{one}state-history/").json()] == [
        "closed",
        "open",
        "intake",
    ]
    taken = send("post", "", {"client": northwind.pk, "title": "Other", "number": row["number"]})
    assert taken.status_code == 400 and "number" in taken.json()["fields"]


@pytest.mark.django_db(transaction=True)
def test_two_at_once_get_two_numbers(marta, northwind):
    def make(n):
        from django.db import connection

        try:
            return make_engagement(actor=marta, client=northwind, title=f"Work {n}", now=NOW).number
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(make, range(4))) == ["2026-0001", "2026-0002", "2026-0003", "2026-0004"]


def test_a_colleague_of_the_team_who_takes_the_lead_is_named_once(browser, marta, otto, northwind):
    row = make_engagement(actor=marta, client=northwind, lead=marta)
    records.add_to_team(acting(marta), engagement=row, user=otto)
    row = records.update_engagement(acting(marta), engagement=row, lead=otto)
    api, text = f"/api/v1/engagements/{row.pk}/", as_csv(ENGAGEMENTS.export(acting(marta)))
    assert not browser.get(row.get_absolute_url()).context["seats"] and row.team_shown() == []
    assert browser.get(api).json()["team"] == [] and text.count(otto.email) == 1
    records.update_engagement(acting(marta), engagement=row, title="Another title")
    assert records.add_to_team(acting(marta), engagement=row, user=marta).user == marta


def test_undo_of_a_hand_over_gives_the_place_on_the_team_back(browser, marta, otto, mill):
    records.add_to_team(acting(marta), engagement=mill, user=otto)
    browser.post(
        "/engagements/select/",
        {"action": "engagements.reassign", "ids": [mill.pk], "lead": otto.pk, "confirmed": "1"},
    )
    mill.refresh_from_db()
    assert mill.lead == otto
    browser.post(f"/lists/undo/{BulkChange.objects.latest('pk').pk}/")
    mill.refresh_from_db()
    assert (mill.lead, mill.team_shown()) == (marta, [otto])
