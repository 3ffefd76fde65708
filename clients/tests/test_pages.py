"""Every page opens, and says what it is about."""

import re

import pytest
from django.urls import reverse

from clients.catalogue.services import create_service, create_tag
from clients.contacts.models import Affiliation, Contact
from clients.records.models import Client
from clients.revenue.models import Contract, RevenueLine
from clients.revenue.services.contracts import create_contract
from crm.core.base.principals import SYSTEM, acting
from crm.core.users.models import Team, TeamMembership
from tools.testing.factories.clients import TODAY, make_client, make_contact, make_line

pytestmark = pytest.mark.django_db


@pytest.fixture
def northwind(marta):
    client = make_client(
        owner=marta,
        name="Northwind Advisory",
        tier="A",
        city="Helsinki",
        country="FI",
        phone="09 1234567",
        website="northwind.example",
        time_zone="Europe/Helsinki",
    )
    make_contact(
        actor=marta,
        client=client,
        emails=[("work", "elina@northwind.example")],
        phones=[("mobile", "040 1234567")],
        title="CFO",
        is_primary=True,
    )
    make_line(actor=marta, client=client, amount="1200")
    return client


def test_each_page_of_a_client_has_a_title_of_its_own(client, marta, northwind):
    client.force_login(marta)
    places = {"place": [northwind.pk, northwind.affiliations.get().pk]}
    names = (
        "clients:client",
        "clients:people",
        "clients:revenue",
        "clients:place",
        "clients:status",
        "clients:add_person",
    )
    names += ("clients:access", "clients:add_line", "interactions:agreed", "interactions:client_progress")
    names += ("interactions:progress_schedule", "interactions:client-surveys", "onboarding:client")
    pages = [client.get(reverse(name, args=places.get(name.partition(":")[2], [northwind.pk]))).text for name in names]
    titles = [re.search("<title>(.*?) · ", page, re.DOTALL)[1].strip() for page in pages]
    assert len({*titles}) == len(names), titles


@pytest.mark.parametrize("name", ["list", "list-filters", "create", "contacts", "create_contact", "services", "tags"])
def test_it_opens(client, marta, northwind, name):
    client.force_login(marta)
    assert client.get(reverse(f"clients:{name}")).status_code == 200


@pytest.mark.parametrize(
    "name",
    ["client", "edit", "status", "access", "people", "add_person", "revenue", "add_line", "add_contract", "strip"],
)
def test_a_page_of_the_client_opens(client, marta, northwind, name):
    client.force_login(marta)
    response = client.get(reverse(f"clients:{name}", args=[northwind.pk]))
    assert response.status_code == 200
    assert name == "strip" or "Northwind Advisory" in response.content.decode()


def test_the_local_time_is_the_clients_not_the_viewers(client, marta, northwind, time_machine):
    """06:31 UTC is 08:31 in Helsinki, in every viewer's time zone."""
    time_machine.move_to("2026-11-26 06:31:00+00:00", tick=False)
    marta.time_zone = "America/New_York"
    marta.save()
    client.force_login(marta)
    page = client.get(northwind.get_absolute_url()).text
    assert "08:31 there" in page and "01:31 there" not in page


def test_pages_of_its_rows_open(client, marta, northwind):
    client.force_login(marta)
    place, line = Affiliation.objects.get(), RevenueLine.objects.get()
    contract = create_contract(
        acting(marta),
        client=northwind,
        service=create_service(SYSTEM, name="Audit"),
        value=100,
        start_date=TODAY,
    )
    assert Contract.objects.count() == 1
    for url in (
        reverse("clients:place", args=[northwind.pk, place.pk]),
        reverse("clients:edit_line", args=[northwind.pk, line.pk]),
        reverse("clients:edit_contract", args=[northwind.pk, contract.pk]),
        reverse("clients:change_price", args=[northwind.pk, contract.pk]),
        reverse("clients:contact", args=[place.contact_id]),
        reverse("clients:edit_contact", args=[place.contact_id]),
        reverse("clients:revenue", args=[northwind.pk]),
    ):
        assert client.get(url).status_code == 200, url


def test_catalogue_pages_open_for_managers(client, sini):
    client.force_login(sini)
    service = create_service(SYSTEM, name="Audit")
    tag = create_tag(SYSTEM, name="Board", tone="blue")
    for url in (
        reverse("clients:service_create"),
        reverse("clients:service_edit", args=[service.pk]),
        reverse("clients:tag_create"),
        reverse("clients:tag_edit", args=[tag.pk]),
        reverse("clients:tag_delete", args=[tag.pk]),
    ):
        assert client.get(url).status_code == 200, url


def test_a_client_is_entered(client, marta):
    client.force_login(marta)
    data = {
        "name": "Kestrel  Robotics",
        "owner": marta.pk,
        "kind": "organisation",
        "relationship": "client",
        "status": "active",
        "status_start": "2026-01-05",
    }
    response = client.post(reverse("clients:create"), data)
    kestrel = Client.objects.get()
    assert response.headers["Location"] == kestrel.get_absolute_url()
    assert (kestrel.name, kestrel.facts.status, str(kestrel.facts.active_since)) == (
        "Kestrel Robotics",
        "active",
        "2026-01-05",
    )


def test_a_bad_client_form_keeps_what_was_typed(client, marta):
    client.force_login(marta)
    response = client.post(
        reverse("clients:create"), {"name": "", "owner": marta.pk, "email": "no email", "city": "Ghent"}
    )
    page = response.content.decode()
    assert response.status_code == 422
    assert 'value="no email"' in page and 'value="Ghent"' in page
    assert 'id="id_name_error"' in page
    assert not Client.objects.exists()


def test_an_edit_saves_what_changed(client, marta, northwind):
    client.force_login(marta)
    page = client.get(reverse("clients:edit", args=[northwind.pk])).context["form"]
    data = {name: value for name, value in page.initial.items() if value not in (None, [])} | {
        "city": "Espoo",
        "version": northwind.version,
    }
    assert client.post(reverse("clients:edit", args=[northwind.pk]), data).status_code == 302
    northwind.refresh_from_db()
    assert (northwind.city, northwind.version) == ("Espoo", 2)


def test_a_stale_edit_shows_both_values_and_saves_nothing(client, marta, sini, northwind):
    client.force_login(sini)
    data = {
        "name": northwind.name,
        "owner": marta.pk,
        "kind": "organisation",
        "relationship": "client",
        "city": "Turku",
        "version": 1,
    }
    assert client.post(reverse("clients:edit", args=[northwind.pk]), data | {"city": "Espoo"}).status_code == 302
    client.force_login(marta)
    response = client.post(reverse("clients:edit", args=[northwind.pk]), data)
    page = response.content.decode()
    assert response.status_code == 409
    assert "Sini Ranta changed this while you were editing" in page
    assert "Espoo" in page and "Turku" in page and 'name="version" value="2"' in page
    assert Client.objects.get().city == "Espoo"
    assert client.post(reverse("clients:edit", args=[northwind.pk]), data | {"version": 2}).status_code == 302
    assert Client.objects.get().city == "Turku"


def test_trash_and_back(client, marta, northwind):
    client.force_login(marta)
    client.post(reverse("clients:archive", args=[northwind.pk]))
    assert (
        "Northwind"
        not in client.get(reverse("clients:list")).content.decode().split('id="list"')[1].split('id="toasts"')[0]
    )
    assert "Northwind" in client.get(reverse("clients:list") + "?archived=1").content.decode()
    page = client.get(northwind.get_absolute_url()).content.decode()
    assert "Archived by" in page and reverse("clients:edit", args=[northwind.pk]) + '" data-shortcut' not in page
    assert client.get(reverse("clients:edit", args=[northwind.pk])).status_code == 403
    client.post(reverse("clients:restore", args=[northwind.pk]))
    assert Client.objects.get().archived_at is None


def test_the_status_form(client, marta, northwind):
    client.force_login(marta)
    url = reverse("clients:status", args=[northwind.pk])
    refused = client.post(url, {"status": "former", "start_date": "2026-11-20", "note": "Too dear"})
    assert refused.status_code == 422
    assert "Say why the client left." in refused.content.decode() and "Too dear" in refused.content.decode()
    fragment = client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in fragment and 'name="start_date"' in fragment
    assert client.post(url, {"status": "at_notice", "start_date": "2026-11-20"}).status_code == 302


def test_rows_are_added_without_saving(client, marta, northwind):
    client.force_login(marta)
    url = reverse("clients:add_person", args=[northwind.pk])
    response = client.post(
        url, {"first_name": "Jari", "email": ["jari@x.example", ""], "email_label": ["work", "work"], "more": "1"}
    )
    assert response.status_code == 200
    assert response.content.decode().count('name="email"') == 4
    assert Contact.objects.count() == 1


def test_a_person_with_several_addresses(client, marta, northwind):
    client.force_login(marta)
    data = {
        "first_name": "Jari",
        "last_name": "Koski",
        "email": ["jari@x.example", "j@home.example"],
        "email_label": ["work", "home"],
        "phone": ["040 765 4321"],
        "phone_label": ["mobile"],
        "title": "Owner",
        "decision_role": "signs",
    }
    assert client.post(reverse("clients:add_person", args=[northwind.pk]), data).status_code == 302
    jari = Contact.objects.get(first_name="Jari")
    assert [(m.label, m.address, m.is_primary) for m in jari.emails.all()] == [
        ("work", "jari@x.example", True),
        ("home", "j@home.example", False),
    ]
    assert jari.phones.get().digits == "358407654321"
    wrong = client.post(
        reverse("clients:edit_contact", args=[jari.pk]),
        {"first_name": "Jari", "email": ["nope"], "phone": ["12"], "version": 1},
    )
    assert wrong.status_code == 422
    assert 'value="nope"' in wrong.content.decode() and 'id="email-error-1"' in wrong.content.decode()


def test_a_deleted_line_comes_back(client, marta, northwind):
    client.force_login(marta)
    line = RevenueLine.objects.get()
    client.post(reverse("clients:delete_line", args=[northwind.pk, line.pk]))
    assert not RevenueLine.objects.exists()
    client.post(reverse("clients:undelete_line", args=[northwind.pk, line.pk]))
    assert RevenueLine.objects.get().amount == line.amount
    assert Client.objects.get().facts.revenue_12m == 1200


def test_a_duplicate_is_pointed_out(client, marta, northwind):
    client.force_login(marta)
    for query in ({"name": "northwind"}, {"website": "https://www.northwind.example/about"}):
        assert "Northwind Advisory" in client.get(reverse("clients:similar"), query).content.decode()
    assert client.get(reverse("clients:similar"), {"name": "Other"}).content.decode().strip() == ""


@pytest.mark.parametrize(
    ("field", "text"), [("phone", "abc"), ("website", "nonsense with spaces"), ("website", "nodots")]
)
def test_what_is_no_phone_or_address_is_told_beside_the_field(client, marta, field, text):
    client.force_login(marta)
    data = {"name": "Halden", "kind": "organisation", "relationship": "client", "owner": marta.pk}
    data |= {"status": "active", "status_start": "2026-11-01"}
    answer = client.post(reverse("clients:create"), data | {field: text})
    assert answer.status_code == 422
    assert answer.context["form"].errors[field]
    assert text in answer.content.decode()
    assert not Client.objects.filter(name="Halden").exists()


def test_a_language_is_chosen_and_one_that_was_imported_stays():
    """Mails are written in a few; what an import brought along is not lost by saving the form."""
    from crm.core.fields.forms import LanguageField

    field = LanguageField(required=False)
    assert ("de", "Deutsch") in list(field.choices)
    field.keep("it")
    assert ("it", "Italian") in list(field.choices)
    assert (field.clean("it"), field.clean("de"), field.clean("")) == ("it", "de", "")


def test_a_new_client_asks_little_and_takes_the_first_person_along(client, marta):
    team = Team.objects.create(name="Nordics")
    TeamMembership.objects.create(team=team, user=marta)
    client.force_login(marta)
    url = reverse("clients:create")
    page = client.get(url)
    assert page.context["form"]["team"].value() == team.pk
    head = page.text.split("<main", 1)[1].split("<details", 1)[0]
    labels = len(re.findall(r'<label class="form-label"', head))
    assert labels == 9, "four fields, the reason of a former one (hidden), and four of the first contact"
    data = {name: page.context["form"][name].value() or "" for name in page.context["form"].fields} | {"tags": []}
    data |= {"name": "Saari & Koski Oy", "website": "saarikoski.example", "status": "prospect"}
    wrong = client.post(url, data | {"contact-email": "elina@saarikoski.example"})
    assert wrong.status_code == 422 and not Client.objects.exists()
    right = {"contact-first_name": "Elina", "contact-last_name": "Saari", "contact-email": "elina@saarikoski.example"}
    assert client.post(url, data | right).status_code == 302
    place = Affiliation.objects.get()
    assert (place.contact.name, place.is_primary, place.client.name) == ("Elina Saari", True, "Saari & Koski Oy")
    assert place.contact.emails.get().address == "elina@saarikoski.example"


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ({"name": "Saari ja Koski"}, "Same name"),
        ({"name": "Saari and Koski Ltd"}, "Same name"),
        ({"name": "Sari & Koski"}, "Similar name"),
        ({"name": "Saari & Kosky oy"}, "Similar name"),
        ({"name": "New name", "email": "info@saarikoski.example"}, "Same website or email domain"),
    ],
)
def test_a_duplicate_is_found_by_much_the_same_name_and_by_mail_domain(client, marta, typed, why):
    make_client(owner=marta, name="Saari & Koski Oy", website="www.saarikoski.example")
    make_client(owner=marta, name="Kallio Timber", email="kallio@gmail.com")
    client.force_login(marta)
    page = client.get(reverse("clients:similar"), typed).text
    assert "Saari &amp; Koski Oy" in page and f"{why} · Active" in page
    other = client.get(reverse("clients:similar"), {"name": "Harbour Dental", "email": "harbour@gmail.com"}).text
    assert other.strip() == ""
