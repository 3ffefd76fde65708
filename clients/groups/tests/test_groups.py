"""A parent and its subsidiaries: the walk, the sums, the gate, the pages."""

from datetime import date
from decimal import Decimal

import pytest

from clients.catalogue.models import Service
from clients.groups import queries
from clients.groups.queries import group_of, in_group
from clients.records.models import Client
from clients.records.services.clients import archive_client, restrict_client
from clients.revenue.models import Contract
from clients.revenue.queries import recurring
from crm.core.base.principals import NOBODY, acting
from tools.testing.factories.clients import NOW, TODAY, make_client, make_line

pytestmark = pytest.mark.django_db


@pytest.fixture
def group(marta, otto):
    """Harbor Group → Harbor North → Harbor Ice, and → Harbor South; Other Oy stands alone."""
    top = make_client(owner=marta, name="Harbor Group")
    north = make_client(owner=otto, name="Harbor North", parent=top)
    make_client(owner=marta, name="Harbor South", parent=top)
    make_client(owner=marta, name="Harbor Ice", parent=north)
    make_client(owner=marta, name="Other Oy")
    return {row.name.removeprefix("Harbor "): row for row in Client.objects.all()}


def names(principal, root):
    return [(m.level, m.client.name.removeprefix("Harbor ")) for m in group_of(principal, root.pk, TODAY).members]


def test_the_members_stand_below_their_parent(sini, group):
    assert names(acting(sini), group["Group"]) == [(0, "Group"), (1, "North"), (2, "Ice"), (1, "South")]
    assert names(acting(sini), group["North"]) == [(0, "North"), (1, "Ice")]
    assert names(acting(sini), group["Other Oy"]) == [(0, "Other Oy")]
    assert names(NOBODY, group["Group"]) == []


def test_what_is_out_of_sight_and_below_it_is_not_in_it(marta, otto, sini, group):
    make_line(actor=marta, client=group["Ice"], amount="70")
    make_line(actor=marta, client=group["South"], amount="5")
    assert group_of(acting(sini), group["Group"].pk, TODAY).revenue == 75
    restrict_client(acting(otto), client=group["North"])
    assert names(acting(sini), group["Group"]) == [(0, "Group"), (1, "South")]
    assert group_of(acting(sini), group["Group"].pk, TODAY).revenue == 5
    assert names(acting(otto), group["Group"]) == [(0, "Group"), (1, "North"), (2, "Ice"), (1, "South")]


def test_archived_ones_do_not_count(marta, sini, group):
    archive_client(acting(marta), client=group["North"], now=NOW)
    assert names(acting(sini), group["Group"]) == [(0, "Group"), (1, "South")]


def test_a_cycle_ends(sini, group):
    Client.objects.filter(pk=group["Group"].pk).update(parent=group["Ice"])
    assert {name for _level, name in names(acting(sini), group["Group"])} == {"Group", "North", "South", "Ice"}


def test_the_sums_are_those_of_the_rows(marta, sini, group, django_assert_num_queries):
    audit = Service.objects.create(name="Audit")
    terms = {"service": audit, "start_date": date(2026, 1, 1), "rate": 1, "currency": "EUR"}
    for client, given in (
        (group["Ice"], {"value": 1200, "period": "year"}),
        (group["South"], {"value": 10, "period": "month"}),
        (group["South"], {"value": 30, "period": "quarter", "rate": Decimal("0.5"), "currency": "USD"}),
        (group["South"], {"value": 500, "period": "month", "rate": None, "currency": "USD"}),
        (group["South"], {"value": 99, "period": "once"}),
        (group["South"], {"value": 99, "period": "month", "is_free": True}),
        (group["South"], {"value": 99, "period": "month", "end_date": TODAY}),
        (group["South"], {"value": 99, "period": "month", "start_date": date(2027, 1, 1)}),
        (group["South"], {"value": 99, "period": "month", "archived_at": NOW}),
    ):
        Contract.objects.create(client=client, **terms | given)
    make_line(actor=marta, client=group["Ice"], amount="70")
    principal = acting(sini)
    group_of(principal, group["Group"].pk, TODAY)
    with django_assert_num_queries(1):
        found = group_of(principal, group["Group"].pk, TODAY)
    assert (found.n, found.revenue, found.monthly, found.monthly_unrated) == (4, 70, 115, 1)
    by_hand = recurring(Contract.objects.kept(), TODAY)
    assert (by_hand.amount, by_hand.without_rate) == (found.monthly, found.monthly_unrated)


def test_the_page_the_card_and_the_filter(client, marta, otto, sini, group):
    client.force_login(sini)
    top = group["Group"]
    page = client.get(top.get_absolute_url()).content.decode()
    assert f"/clients/{top.pk}/panels/group-sums/" in page
    assert "Harbor Ice" in client.get(f"/clients/{top.pk}/panels/group-sums/").content.decode()
    page = client.get(f"/clients/{top.pk}/group/").content.decode()
    assert "Harbor Ice" in page and "The whole group" in page
    assert "panels/group-sums/" not in client.get(group["Ice"].get_absolute_url()).content.decode()
    assert "Part of" in client.get(group["Ice"].get_absolute_url()).content.decode()
    found = client.get(f"/api/v1/clients/?group_of={top.pk}").json()["results"]
    assert len(found) == 4
    restrict_client(acting(otto), client=group["North"])
    page = client.get(group["Ice"].get_absolute_url()).content.decode()
    assert "Part of" not in page and "Harbor North" not in page
    assert "Harbor North" not in client.get(f"/clients/{top.pk}/group/").content.decode()
    assert client.get(f"/clients/{group['North'].pk}/group/").status_code == 404
    assert not in_group(Client.objects.all(), acting(sini), group["North"].pk).exists()


def test_a_parent_whose_subsidiaries_are_out_of_sight_looks_like_any_other(client, marta, otto, sini, group):
    restrict_client(acting(marta), client=group["Ice"])
    client.force_login(sini)
    assert "panels/group-sums/" not in client.get(group["North"].get_absolute_url()).content.decode()


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_of_too_many_the_parent_stays_and_the_sums_hold_all_that_is_shown(marta, sini, monkeypatch, limit):
    monkeypatch.setattr(queries, "MEMBERS_AT_MOST", limit)
    top = make_client(owner=marta, name="Zenith Group")
    middle = make_client(owner=marta, name="Yard", parent=top)
    for name in ("Anchor", "Bay"):
        make_line(actor=marta, client=make_client(owner=marta, name=name, parent=middle), amount="30")
    make_line(actor=marta, client=top, amount="5")
    found = group_of(acting(sini), top.pk, TODAY)
    shown = [(0, "Zenith Group"), (1, "Anchor"), (1, "Bay")][:limit]
    assert [(member.level, member.client.name) for member in found.members] == shown
    assert found.is_cut and found.revenue == 5 + 30 * (limit - 1)


def revenues(rows):
    return [(row.name, row.group_revenue) for row in rows]


def test_the_client_list_has_the_revenue_of_groups_as_column_sort_and_filter(client, marta, sini, group):
    alone = make_client(owner=marta, name="Alone")
    for name, amount in (("Group", "5"), ("North", "10"), ("Ice", "200")):
        make_line(actor=marta, client=group[name], amount=amount)
    make_line(actor=marta, client=alone, amount="211")
    client.force_login(sini)
    shown = client.get("/clients/?columns=name,group_revenue&sort=-group_revenue")
    found = revenues(shown.context["page"].rows)
    assert found[:4] == [("Harbor Group", 215), ("Alone", 211), ("Harbor North", 210), ("Harbor Ice", 200)]
    assert "€215" in shown.content.decode()
    several = client.get("/clients/?group_revenue_from=210&group_revenue_to=211").context["page"].rows
    assert sorted(row.name for row in several) == ["Alone", "Harbor North"]
    file = client.get("/clients/export/?as=csv&columns=name,group_revenue")
    assert b"Harbor Group" in b"".join(file.streaming_content)
    assert client.get("/api/v1/clients/?group_revenue_from=215").json()["results"][0]["name"] == "Harbor Group"


def test_pages_by_group_revenue_hold_each_client_once(client, marta, sini, group, monkeypatch):
    for n in range(30):
        made = make_client(owner=marta, name=f"Client {n:02}")
        make_line(actor=marta, client=made, amount=str(n % 7 + 1))
    client.force_login(sini)
    names, url = [], "/clients/?columns=name,group_revenue&sort=-group_revenue"
    while url:
        page = client.get(url).context
        names += [row.name for row in page["page"].rows]
        url = page["listing"].next_url and "/clients/" + page["listing"].next_url
    assert len(names) == len(set(names)) == Client.objects.count()


def test_the_revenue_of_a_group_is_made_of_what_the_reader_sees(client, marta, otto, sini, group):
    make_line(actor=marta, client=group["Ice"], amount="200")
    make_line(actor=marta, client=group["South"], amount="30")
    restrict_client(acting(marta), client=group["Ice"])
    url = "/clients/?columns=name,group_revenue&q=Harbor&sort=-group_revenue"
    for reader, wanted in ((marta, 230), (sini, 30)):
        client.force_login(reader)
        assert dict(revenues(client.get(url).context["page"].rows))["Harbor Group"] == wanted
    assert client.get("/clients/?group_revenue_from=31").context["page"].rows == []


def test_a_ring_from_before_counts_each_client_once(client, sini, marta, group):
    make_line(actor=marta, client=group["Ice"], amount="200")
    Client.objects.filter(pk=group["Group"].pk).update(parent=group["Ice"])
    client.force_login(sini)
    found = dict(revenues(client.get("/clients/?columns=name,group_revenue").context["page"].rows))
    assert found["Harbor Group"] == found["Harbor North"] == found["Harbor Ice"] == 200
