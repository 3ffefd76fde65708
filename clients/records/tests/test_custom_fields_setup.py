"""The pages where admins set up custom fields."""

import pytest
from django.urls import reverse

from clients.records.models import Client
from crm.core.base.errors import ServiceError, StaleWrite
from crm.core.base.principals import acting
from crm.core.fields.custom import services
from crm.core.fields.custom.models import CustomField, FieldSection
from tools.testing.factories.clients import make_client

pytestmark = pytest.mark.django_db
NEW = "/settings/fields/of/client/new/"


@pytest.fixture
def admin(client, aino):
    client.force_login(aino)
    return acting(aino)


def field(admin, label="Class", kind="choice", **settings):
    if kind == "choice":
        settings.setdefault("options", ["Gold", "Silver"])
    return services.create_field(admin, record="client", label=label, kind=kind, **settings)


def test_an_admin_adds_a_field_and_sees_how_many_have_it(client, admin, marta):
    data = {"label": "Class", "kind": "choice", "options": "Gold\nSilver", "is_filtered": "on"}
    assert client.post(NEW, data).status_code == 302
    made = CustomField.objects.get()
    assert (made.key, made.options) == (
        "class",
        [{"key": "gold", "label": "Gold"}, {"key": "silver", "label": "Silver"}],
    )
    page = client.get("/settings/fields/of/client/").content.decode()
    assert "Class" in page and "none" in page
    for n in range(3):
        make_client(owner=marta, name=f"C{n}", **({} if n else {"cf_class": "gold"}))
    assert "1 of 3" in client.get("/settings/fields/").content.decode()


BAD = {
    "no name": ({"label": " "}, "label"),
    "a name of ours": ({"label": "industry"}, "label"),
    "a name that is taken": ({"label": "CLASS"}, "label"),
    "no choices": ({"kind": "choice"}, "options"),
    "a choice twice": ({"kind": "choice", "options": "A\na"}, "options"),
    "limits turned round": ({"kind": "number", "least": "5", "most": "4"}, "most"),
    "no number": ({"kind": "number", "least": "NaN"}, "least"),
    "no day": ({"kind": "date", "most": "soon"}, "most"),
    "a pattern": ({"pattern": "*-*-*"}, "pattern"),
    "a name of 10 kB": ({"label": "x" * 10_000}, "label"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_stands_at_its_field_and_nothing_changes(client, admin, case):
    field(admin)
    given, name = BAD[case]
    answer = client.post(NEW, {"label": "New", "kind": "text"} | given)
    form = answer.context["form"]
    assert answer.status_code == 422 and list(form.errors) == [name], form.errors
    assert all(form[key].value() == value for key, value in given.items())
    assert CustomField.objects.count() == 1


def test_choices_get_new_names_and_come_and_go(client, admin, marta):
    made = field(admin)
    row = make_client(owner=marta, cf_class="gold")
    url = reverse("core:field", args=[made.pk])
    data = {
        "label": "Class",
        "version": made.version,
        "option-gold": "",
        "option-silver": "Blue",
        "options": "Red",
    }
    assert client.post(url, data).status_code == 302
    made.refresh_from_db()
    told = [(option["key"], option["label"], option.get("is_archived", False)) for option in made.options]
    assert told == [("gold", "Gold", True), ("silver", "Blue", False), ("red", "Red", False)]
    row.refresh_from_db()
    assert row.cf_class == "gold", "a value stays"
    data = {
        "label": "Class",
        "version": made.version,
        "option-silver": "Blue",
        "option-red": "Red",
        "options": "gold",
    }
    client.post(url, data)
    made.refresh_from_db()
    assert not any(option.get("is_archived") for option in made.options) and len(made.options) == 3


def test_a_stale_edit_is_refused(client, admin):
    made = field(admin, "Size", "number")
    services.update_field(admin, field=made, label="Staff")
    with pytest.raises(StaleWrite):
        services.update_field(admin, field=made, seen_version=1, label="Heads")
    data = {"label": "Heads", "version": 1, "seen": "1", "initial-label": "Size"}
    assert client.post(reverse("core:field", args=[made.pk]), data).status_code == 409


def test_fields_and_sections_are_put_in_order(client, admin):
    one, two, three = (field(admin, name, "text") for name in ("One", "Two", "Three"))
    client.post("/settings/fields/of/client/order/", {"ids": [three.pk, one.pk, two.pk]})
    client.post("/settings/fields/of/client/order/", {"id": two.pk, "to": "up"})
    assert list(CustomField.objects.values_list("label", flat=True)) == ["Three", "Two", "One"]
    first, last = (services.create_section(admin, record="client", name=name) for name in ("First", "Last"))
    client.post("/settings/fields/of/client/sections/order/", {"id": last.pk, "to": "up"})
    assert list(FieldSection.objects.values_list("name", flat=True)) == ["Last", "First"]
    services.update_field(admin, field=one, section=first)
    client.post(reverse("core:field_section_remove", args=[first.pk]))
    one.refresh_from_db()
    assert one.section is None and FieldSection.objects.count() == 1


def test_an_archived_field_leaves_its_name_free_and_cannot_come_back_to_a_second_one(client, admin, marta):
    made = field(admin)
    make_client(owner=marta, cf_class="gold")
    client.post(reverse("core:field_archive", args=[made.pk]))
    other = field(admin)
    assert other.key == "class_2", "the values of the archived one stay its own"
    with pytest.raises(ServiceError, match="already exists"):
        services.restore_field(admin, field=made)
    client.post(reverse("core:field_restore", args=[made.pk]))
    made.refresh_from_db()
    assert made.archived_at is not None and Client.objects.get().custom == {"class": "gold"}


def test_a_change_that_is_rolled_back_leaves_no_trace(admin):
    from clients.records.fields import CLIENT_FIELDS

    field(admin, "Size", "number")
    with pytest.raises(ServiceError):
        field(admin, "Size", "number")
    assert list(CLIENT_FIELDS.custom) == ["cf_size"]


@pytest.mark.parametrize("number", ["₂", "2026-13-45", "1e400", "-1e400", "Infinity"])
def test_numbers_that_are_none(client, admin, marta, number):
    field(admin, "Size", "number")
    row = make_client(owner=marta)
    data = {"name": row.name, "owner": marta.pk, "kind": "organisation", "relationship": "client", "cf_size": number}
    assert client.post(reverse("clients:edit", args=[row.pk]), data).status_code == 422
    told = client.patch(f"/api/v1/clients/{row.pk}/", {"cf_size": number}, content_type="application/json")
    assert told.status_code == 400
    assert client.get(f"/clients/?view=none&cf_size__from={number}").status_code == 200
