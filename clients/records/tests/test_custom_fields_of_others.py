"""Custom fields of contacts, contracts and opportunities: form, page, API, file, import, history."""

from datetime import date

import pytest
from django.urls import reverse
from django.utils import timezone

from clients.catalogue.models import Service
from clients.contacts.services import update_contact
from clients.importing import CONTACTS, CONTRACTS, OPPORTUNITIES
from clients.opportunities.services.records import create_opportunity, update_opportunity
from clients.revenue.services.contracts import change_price, create_contract, update_contract
from crm.core.base.errors import ServiceError
from crm.core.base.principals import acting
from crm.core.fields.custom import changing, conversion_jobs, services
from crm.core.fields.custom.models import FieldChange
from crm.core.history.queries import read
from tools.testing.factories.clients import make_client, make_contact

pytestmark = pytest.mark.django_db


def contact(marta, **fields):
    return make_contact(actor=marta, client=make_client(owner=marta), **fields)


def contract(marta, **fields):
    service = Service.objects.create(name=f"Tax {Service.objects.count()}")
    given = {"service": service, "value": 100, "period": "month", "start_date": date(2026, 1, 1)}
    return create_contract(acting(marta), client=make_client(owner=marta), **given, **fields)


def opportunity(marta, **fields):
    given = {"title": "More", "expected_close": date(2027, 1, 1), "now": timezone.now()}
    return create_opportunity(acting(marta), client=make_client(owner=marta), **given, **fields)


def _update(marta, row, **fields):
    kind, principal = row._meta.model_name, acting(marta)
    if kind == "opportunity":
        return update_opportunity(principal, opportunity=row, now=timezone.now(), **fields)
    return {"contact": update_contact, "contract": update_contract}[kind](principal, **{kind: row}, **fields)


ROWS = {
    "contact": (contact, "clients:edit_contact", "/api/v1/contacts/", CONTACTS),
    "contract": (contract, "clients:edit_contract", "/api/v1/contracts/", CONTRACTS),
    "opportunity": (opportunity, "clients:opportunity_edit", "/api/v1/opportunities/", OPPORTUNITIES),
}


def edit_url(row, name):
    told = {"contact": [row.pk], "opportunity": [row.pk]}.get(row._meta.model_name)
    return reverse(name, args=told or [row.client_id, row.pk])


@pytest.mark.parametrize("kind", ROWS)
def test_form_service_api_file_and_history(client, marta, aino, kind):
    make, edit, api, imports = ROWS[kind]
    admin = acting(aino)
    services.create_field(admin, record=kind, label="Class", kind="choice", options=["Gold", "Silver"])
    services.create_field(admin, record=kind, label="Size", kind="number", most="10")
    row = make(marta, cf_class="gold", cf_size=5)
    row.refresh_from_db()
    assert row.custom == {"class": "gold", "size": 5}
    _update(marta, row, cf_class="silver")
    row.refresh_from_db()
    assert row.custom == {"class": "silver", "size": 5}
    with pytest.raises(ServiceError, match="10 or less") as refused:
        _update(marta, row, cf_size=11)
    assert refused.value.field == "cf_size"
    client.force_login(marta)
    url = edit_url(row, edit)
    form = client.get(url).context["form"]
    assert form["cf_class"].value() == "silver"
    data = {name: value for name in form.fields if (value := form[name].value()) not in (None, "")}
    answer = client.post(url, data | {"cf_size": "11"})
    assert answer.status_code == 422 and "10 or less" in answer.context["form"].errors["cf_size"][0]
    assert client.post(url, data | {"cf_size": "7"}).status_code == 302
    told = client.get(f"{api}{row.pk}/").json()
    assert (told["cf_class"], told["cf_size"]) == ("silver", "7")
    answer = client.patch(f"{api}{row.pk}/", {"cf_class": "gold"}, content_type="application/json")
    assert answer.status_code == 200, answer.content
    assert client.get(f"{api}?cf_class=silver").json()["results"] == []
    assert len(client.get(f"{api}?cf_class=gold&cf_size__to=7").json()["results"]) == 1
    head, line = list(imports.export(acting(marta)))
    cells = dict(zip(head, line, strict=True))
    assert (cells["Class"], cells["Size"]) == ("Gold", 7)
    assert {"Class", "Size"} <= {str(column.label) for column in imports.columns}
    changes = [change for entry in read(admin, label=f"clients.{kind}").entries for change in entry.changes]
    assert ("Class", "Gold", "Silver") in [(change.field, change.before, change.after) for change in changes]
    assert client.get(f"/settings/fields/of/{kind}/").status_code == 403


@pytest.mark.parametrize("kind", ROWS)
def test_required_is_asked_of_new_ones(marta, aino, kind):
    services.create_field(acting(aino), record=kind, label="Class", kind="text", is_required=True)
    with pytest.raises(ServiceError, match="“Class” is required") as refused:
        ROWS[kind][0](marta)
    assert refused.value.field == "cf_class"
    assert ROWS[kind][0](marta, cf_class="x").cf_class == "x"


def test_a_new_price_keeps_them_but_what_may_be_there_once(marta, aino):
    for label, is_unique in (("Class", False), ("Serial", True)):
        services.create_field(acting(aino), record="contract", label=label, kind="text", is_unique=is_unique)
    row = contract(marta, cf_class="gold", cf_serial="1")
    new = change_price(acting(marta), contract=row, value=120, start_date=date(2026, 6, 1), reason="Index")
    assert new.custom == {"class": "gold"}


def test_a_price_changes_while_the_type_of_a_field_does(marta, aino):
    admin = acting(aino)
    size = services.create_field(admin, record="contract", label="Size", kind="text")
    row = contract(marta, cf_size="12")
    change = changing.change_kind(admin, field=size, kind="number", now=timezone.now())
    new = change_price(acting(marta), contract=row, value=120, start_date=date(2026, 6, 1), reason="Index")
    assert new.cf_size == "12"
    conversion_jobs.run_job(job_id=change.job_id)
    new.refresh_from_db()
    assert new.cf_size == 12
    newer = change_price(acting(marta), contract=new, value=130, start_date=date(2026, 7, 1), reason="Index")
    changing.undo_change(admin, change=change, now=timezone.now())
    conversion_jobs.run_job(job_id=FieldChange.objects.get().job_id)
    newer.refresh_from_db()
    assert newer.cf_size == "12"
