"""The number of a contract: whose it is, where it is shown, and where it comes from."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier

import pytest
from django.db import IntegrityError, connection, transaction

from clients.importing import CONTRACTS
from clients.revenue.models import Contract
from clients.revenue.services.contracts import (
    archive_contract,
    change_price,
    create_contracts,
    new_contract,
    restore_contract,
    update_contract,
)
from crm.core.base.errors import ServiceError
from crm.core.base.principals import acting
from crm.core.search.sources import find
from tools.testing.factories.clients import NOW, make_client
from tools.testing.factories.opportunities import make_contract, make_service
from tools.testing.importing import as_csv, counts, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def northwind(marta):
    return make_client(owner=marta, name="Northwind")


@pytest.fixture
def add(marta, northwind):
    service = make_service(name="Tax")
    return lambda number="", client=northwind: make_contract(actor=marta, client=client, service=service, number=number)


def test_it_is_optional_and_unique_for_its_client(marta, add):
    assert (add().number, add().number, add("  C  1 ").number) == ("", "", "C 1")
    with pytest.raises(ServiceError, match="This client has a contract with this number already") as caught:
        add("c 1")
    assert caught.value.field == "number"
    other = add("C 2")
    with pytest.raises(ServiceError):
        update_contract(acting(marta), contract=other, number="C 1")
    assert add("C 1", client=make_client(owner=marta, name="Alder")).number == "C 1"


def test_the_database_holds_it(add):
    add("C1")
    other = add("C2")
    with pytest.raises(IntegrityError), transaction.atomic():
        Contract.objects.filter(pk=other.pk).update(number="c1")


def test_a_new_price_keeps_it_and_can_be_corrected(marta, add):
    row = add("C1")
    start = row.start_date + timedelta(days=60)
    new = change_price(acting(marta), contract=row, value=9, start_date=start, reason="Index")
    assert new.number == "C1"
    assert update_contract(acting(marta), contract=new, number="c1").number == "c1"
    with pytest.raises(ServiceError):
        add("C1")


def test_an_archived_one_gives_it_free_until_it_comes_back(client, marta, northwind, add):
    row = archive_contract(acting(marta), contract=add("C1"), now=NOW)
    again = add("C1")
    with pytest.raises(ServiceError):
        restore_contract(acting(marta), contract=row)
    client.force_login(marta)
    url = f"/clients/{northwind.pk}/contracts/{row.pk}/restore/"
    assert "already" in client.post(url, follow=True).content.decode()
    archive_contract(acting(marta), contract=again, now=NOW)
    assert restore_contract(acting(marta), contract=row).archived_at is None


def test_it_is_in_the_form_lists_files_filters_and_the_api(client, marta, northwind, add):
    row = add("C-77")
    add("C-78")
    client.force_login(marta)
    address = f"/clients/{northwind.pk}/contracts/{row.pk}/"
    assert client.get(address).context["form"]["number"].value() == "C-77"
    for url in ("/contracts/", f"/clients/{northwind.pk}/revenue/"):
        assert "C-77" in client.get(url).content.decode()
    assert "C-77" in b"".join(client.get("/contracts/export/").streaming_content).decode()
    found = client.get("/api/v1/contracts/?number=C-77").json()["results"]
    assert [(each["id"], each["number"]) for each in found] == [(row.pk, "C-77")]
    wrong = client.patch(f"/api/v1/contracts/{row.pk}/", {"number": "C-78"}, content_type="application/json")
    assert wrong.status_code == 400 and "already" in wrong.json()["fields"]["number"][0]


def test_it_comes_in_and_goes_out_by_file(marta, northwind, add):
    head = "Id,Client,Service,Value,Start,Contract number\n"
    add()
    data = f"{head}1,Northwind,Tax,10,2026-01-01,K-1\n2,Northwind,Tax,10,2026-01-01,K-1\n"
    job = run(marta, "contracts", data.encode())
    assert counts(job) == {"created": 1, "failed": 1}, job.report
    assert Contract.objects.get(number="K-1").start_date == date(2026, 1, 1)
    text = as_csv(CONTRACTS.export(acting(marta)))
    assert "K-1" in text
    assert counts(run(marta, "contracts", text.encode(), system="rapport")) == {"unchanged": 2}


def test_two_of_one_write_do_not_share_it(marta, northwind, add):
    first = add()
    start = first.start_date + timedelta(days=60)
    made = [
        new_contract(northwind, service=first.service, value=9, currency="EUR", start_date=start, number=number)
        for number in ("K-1", "k-1")
    ]
    made[0].replaces = first
    with pytest.raises(ServiceError) as caught:
        create_contracts(acting(marta), rows=made)
    assert caught.value.field == "number" and Contract.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_who_give_it_at_once_one_is_refused(marta):
    northwind, tax = make_client(owner=marta, name="Northwind"), make_service(name="Tax")
    for turn in range(4):
        first = make_contract(actor=marta, client=northwind, service=tax)
        start = first.start_date + timedelta(days=60)
        newer = change_price(acting(marta), contract=first, value=9, start_date=start, reason="Index")
        other = make_contract(actor=marta, client=northwind, service=tax)
        ready = Barrier(2)

        def give(contract, number=f"C{turn}", ready=ready):
            try:
                ready.wait()
                update_contract(acting(marta), contract=contract, number=number)
            except ServiceError:
                return False
            finally:
                connection.close()
            return True

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(give, (newer, other))) == [False, True]


@pytest.mark.parametrize("typed", ["zk-2026/7", "ZK-2026", "2026/7"])
def test_the_search_finds_it(marta, otto, add, typed):
    row = add("ZK-2026/7")
    hits = [hit for group in find(acting(marta), typed) for hit in group.hits if group.source.key == "contracts"]
    assert [(hit.pk, hit.detail) for hit in hits] == [(row.pk, "ZK-2026/7")]
