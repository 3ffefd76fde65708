"""A stale edit answers 409 with both values, saves nothing, and saves when it is sent again over the version shown."""

import re
from datetime import date
from html import unescape

import pytest
from django.urls import reverse

from clients.catalogue.models import Tag
from clients.catalogue.services import create_service, update_service
from clients.contacts.services import affiliate, update_contact
from clients.records.services.clients import update_client
from clients.revenue.services.contracts import create_contract, update_contract
from clients.revenue.services.lines import add_revenue_line, update_revenue_line
from crm.core.base.errors import StaleWrite
from crm.core.base.principals import SYSTEM, acting
from tools.testing.factories.clients import TODAY, make_client, make_contact

pytestmark = pytest.mark.django_db


@pytest.fixture
def alder(sini):
    return make_client(owner=sini, name="Alder")


def a_line(sini, alder):
    line = add_revenue_line(SYSTEM, client=alder, date=date(2026, 1, 5), amount=10, today=TODAY)
    update_revenue_line(acting(sini), line=line, note="Theirs", today=TODAY)
    data = {"date": "2026-01-05", "amount": "10", "currency": "", "rate": "", "kind": "fee", "note": "Yours"}
    return reverse("clients:edit_line", args=[alder.pk, line.pk]), data, line, "note"


def a_contract(sini, alder):
    service = create_service(SYSTEM, name="Audit")
    contract = create_contract(SYSTEM, client=alder, service=service, value=10, start_date=date(2026, 1, 5))
    update_contract(acting(sini), contract=contract, name="Theirs")
    data = {"service": service.pk, "value": "10", "period": "month", "start_date": "2026-01-05", "name": "Yours"}
    return reverse("clients:edit_contract", args=[alder.pk, contract.pk]), data, contract, "name"


def a_contact(sini, alder):
    elina = make_contact(actor=sini, client=alder, first_name="Elina", last_name="Aho")
    update_contact(acting(sini), contact=elina, first_name="Theirs")
    return reverse("clients:edit_contact", args=[elina.pk]), {"first_name": "Yours"}, elina, "first_name"


def an_affiliation(sini, alder):
    elina = make_contact(actor=sini, client=alder)
    row = elina.affiliations.get()
    affiliate(acting(sini), client=alder, contact=elina, title="Theirs")
    return reverse("clients:place", args=[alder.pk, row.pk]), {"title": "Yours"}, row, "title"


def a_service(sini, alder):
    service = create_service(SYSTEM, name="Audit")
    update_service(acting(sini), service=service, name="Theirs")
    return reverse("clients:service_edit", args=[service.pk]), {"name": "Yours"}, service, "name"


@pytest.mark.parametrize("make", [a_line, a_contract, a_contact, an_affiliation, a_service])
def test_both_values_are_shown_and_the_second_save_counts(client, sini, alder, make):
    client.force_login(sini)
    url, data, row, field = make(sini, alder)
    seen = row.version
    row.refresh_from_db()
    answer = client.post(url, data | {"version": seen})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Sini Ranta changed this while you were editing" in page and "Theirs" in page and "Yours" in page
    assert page.count('name="version"') == 1 and f'name="version" value="{row.version}"' in page
    row.refresh_from_db()
    assert getattr(row, field) == "Theirs"
    assert client.post(url, data | {"version": row.version}).status_code == 302
    row.refresh_from_db()
    assert getattr(row, field) == "Yours"


def test_what_the_other_changed_besides_is_shown_before_it_would_go(client, sini, alder):
    """The form holds every field: a second save takes back the other's email too, so both stand in the box."""
    client.force_login(sini)
    update_client(SYSTEM, client=alder, phone="+358 9 111", email="theirs@alder.example")
    form = client.get(reverse("clients:edit", args=[alder.pk])).context["form"]
    data = {name: form.initial.get(name) or "" for name in form.fields} | {"owner": sini.pk, "email": "", "tags": []}
    answer = client.post(reverse("clients:edit", args=[alder.pk]), data | {"version": 1, "phone": "+358 9 222"})
    assert answer.status_code == 409
    assert {row.theirs for row in answer.context["conflict"].differences} == {"+358 9 111", "theirs@alder.example"}


def test_a_form_that_comes_back_with_an_error_keeps_the_version_that_was_seen(client, sini, alder):
    client.force_login(sini)
    url, data, row, _field = a_contact(sini, alder)
    answer = client.post(url, data | {"version": 1, "first_name": "", "last_name": ""})
    assert answer.status_code == 422 and 'name="version" value="1"' in answer.text
    assert client.post(url, data | {"version": 1}).status_code == 409


def test_tags_that_somebody_else_changed_are_not_put_back(sini, alder):
    board = Tag.objects.create(name="Board")
    update_client(SYSTEM, client=alder, tags=[board])
    with pytest.raises(StaleWrite):
        update_client(acting(sini), client=alder, seen_version=1, city="Turku", tags=[])
    assert update_client(acting(sini), client=alder, seen_version=1, city="Turku", tags=[board]).city == "Turku"


def test_an_archived_client_is_archived_once(client, sini, alder):
    """A second DELETE changes nothing; the page refuses."""
    client.force_login(sini)
    assert client.delete(f"/api/v1/clients/{alder.pk}").status_code == 204
    alder.refresh_from_db()
    assert client.delete(f"/api/v1/clients/{alder.pk}").status_code == 204
    assert client.post(reverse("clients:archive", args=[alder.pk])).status_code == 403
    version = alder.version
    alder.refresh_from_db()
    assert alder.version == version


# Two tabs: what a browser sends, the hidden values that were seen included


def as_sent(page, **changed):
    """The fields of the page's form as a browser would send them, with some of them changed."""
    form = page.context["form"]
    hidden = re.findall(r'<input type="hidden" name="((?:initial-)?[a-z_]+)" value="([^"]*)"', page.text)
    data = {}
    for name, value in hidden:
        data.setdefault(name, []).append(unescape(value))
    data.pop("csrfmiddlewaretoken", None)
    for name in form.fields:
        value = form[name].value()
        data[name] = changed.get(name, value if isinstance(value, list) else ["" if value is None else value])
    return data


def test_two_tabs_with_different_fields_both_count(client, sini, alder):
    """The second tab neither asks nor takes back what the first one saved, tags included."""
    client.force_login(sini)
    board, url = Tag.objects.create(name="Board"), reverse("clients:edit", args=[alder.pk])
    first, second = client.get(url), client.get(url)
    sent = as_sent(first, phone="+358 9 111", email="theirs@alder.example", tags=[str(board.pk)])
    assert client.post(url, sent).status_code == 302
    assert client.post(url, as_sent(second, city="Turku")).status_code == 302
    alder.refresh_from_db()
    assert (alder.city, alder.phone, alder.email) == ("Turku", "+358 9 111", "theirs@alder.example")
    assert list(alder.tags.all()) == [board]


def test_only_what_both_changed_is_asked(client, sini, alder):
    client.force_login(sini)
    url = reverse("clients:edit", args=[alder.pk])
    first, second = client.get(url), client.get(url)
    client.post(url, as_sent(first, phone="+358 9 111", email="theirs@alder.example", industry="Mining"))
    answer = client.post(url, as_sent(second, phone="+358 9 222", city="Turku"))
    assert answer.status_code == 409
    assert [(row.theirs, row.yours) for row in answer.context["conflict"].differences] == [("+358 9 111", "+358 9 222")]
    answer.context["form"].initial = {}
    kept = as_sent(answer)
    assert client.post(url, kept | {"keep-phone": "yours"}).status_code == 302
    alder.refresh_from_db()
    assert (alder.phone, alder.city, alder.email) == ("+358 9 222", "Turku", "theirs@alder.example")
    assert alder.industry == "Mining"


def test_theirs_may_be_chosen(client, sini, alder):
    client.force_login(sini)
    url = reverse("clients:edit", args=[alder.pk])
    first, second = client.get(url), client.get(url)
    client.post(url, as_sent(first, phone="+358 9 111"))
    answer = client.post(url, as_sent(second, phone="+358 9 222", city="Turku"))
    theirs = re.search(r'name="theirs-phone" value="([^"]*)"', answer.text)[1]
    chosen = as_sent(answer) | {"keep-phone": "theirs", "theirs-phone": theirs}
    assert client.post(url, chosen).status_code == 302
    alder.refresh_from_db()
    assert (alder.phone, alder.city) == ("+358 9 111", "Turku")


def test_the_addresses_of_a_contact_merge_too(client, sini, alder):
    client.force_login(sini)
    elina = make_contact(actor=sini, client=alder, emails=[("work", "elina@alder.example")])
    url = reverse("clients:edit_contact", args=[elina.pk])
    first, second, third = client.get(url), client.get(url), client.get(url)
    new = {"email": ["new@alder.example"], "email_label": ["work"]}
    old = {"email": ["elina@alder.example"], "email_label": ["work"]}
    assert client.post(url, as_sent(first) | new).status_code == 302
    assert client.post(url, as_sent(second, notes="Ring in the morning.") | old).status_code == 302
    elina.refresh_from_db()
    assert elina.notes == "Ring in the morning."
    assert [row.address for row in elina.emails.all()] == ["new@alder.example"]
    answer = client.post(url, as_sent(third) | {"email": ["third@alder.example"], "email_label": ["work"]})
    assert answer.status_code == 409
    assert [row.name for row in answer.context["conflict"].differences] == ["email"]


def test_a_contract_whose_fields_were_changed_apart_merges(client, sini, alder):
    url, _data, contract, _field = a_contract(sini, alder)
    client.force_login(sini)
    first, second = client.get(url), client.get(url)
    assert client.post(url, as_sent(first, name="First")).status_code == 302
    assert client.post(url, as_sent(second, value="12")).status_code == 302
    contract.refresh_from_db()
    assert (contract.name, contract.value) == ("First", 12)
