"""Roll-ups of clients: what is counted and summed, for whom, and where it shows. They reach the rows of every app."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from clients.records.fields import CLIENT_FIELDS
from clients.records.models import Client
from clients.segments import rules
from clients.segments.compile import clients_of
from clients.segments.models import SegmentChange, SegmentMember
from clients.segments.services import create_segment, note_members
from crm.core.base.errors import ServiceError
from crm.core.base.principals import SYSTEM, acting
from crm.core.fields.custom import services
from crm.core.fields.custom.computed import load_values
from crm.core.fields.custom.models import CustomField
from crm.core.fields.custom.rollups import How, sources
from crm.core.firm.models import FirmSettings
from crm.core.users.models import User
from interactions.log.choices import Channel, Visibility
from interactions.recording.services import log_interaction
from tools.testing.factories.core import make_firm, make_person
from tools.testing.factories.engagements import make_engagement
from tools.testing.factories.invoices import make_invoice
from tools.testing.factories.opportunities import make_opportunity

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)
NEW = "/settings/fields/of/client/new/"


@pytest.fixture
def firm(db):
    return make_firm(currency="EUR")


@pytest.fixture
def marta(firm):
    return make_person(name="Marta Kallio")


@pytest.fixture
def otto(firm):
    return make_person(name="Otto Berg")


@pytest.fixture
def ines(firm):
    return make_person(name="Ines Vaara", roles=["admin"])


@pytest.fixture
def northwind(marta):
    from tools.testing.factories.interactions import make_client

    return make_client(owner=marta, name="Northwind")


@pytest.fixture
def eastwind(marta):
    from tools.testing.factories.interactions import make_client

    return make_client(owner=marta, name="Eastwind")


@pytest.fixture
def add(ines):
    def make(label, source, how="count", value="", where=(), days=0, **settings):
        told = {"source": source, "how": how, "value": value, "where": list(where), "days": days}
        return services.create_field(acting(ines), record="client", label=label, kind="rollup", rollup=told, **settings)

    return make


def given(row, name, who, now=NOW):
    """What a page shows, which filters and sorts compute in another way."""
    load_values(acting(who), now, [row], [CLIENT_FIELDS[name]])
    of_all = Client.objects.annotate(found=CLIENT_FIELDS[name].expression(acting(who), now)).get(pk=row.pk).found
    assert of_all == row.__dict__[name]
    return of_all


def log(who, client, visibility=Visibility.FIRM, days=1, channel=Channel.CALL, **fields):
    at = NOW - timedelta(days=days)
    return log_interaction(
        acting(who),
        client=client,
        channel=channel,
        occurred_at=at,
        body="Spoke",
        visibility=visibility,
        now=NOW,
        **fields,
    )


def test_every_source_counts_and_every_value_of_it_is_computed(ines, northwind, add):
    """Each declared source, measure and condition compiles to SQL that runs."""
    for source in sources:
        assert add(f"N {source.key}", source.key).key and given(northwind, f"cf_n_{source.key}", ines) == 0
        for measure in source.measures:
            for how in set(How) - {How.COUNT}:
                try:
                    made = add(f"{source.key} {measure.key} {how}", source.key, how, measure.key)
                except ServiceError:
                    assert how in (How.SUM, How.AVERAGE)  # of days
                    continue
                assert given(northwind, made.name, ines) is None
                CustomField.objects.filter(pk=made.pk).delete()
        for condition in source.conditions:
            made = add(f"{source.key} {condition.key}", source.key, where=[condition.key])
            assert given(northwind, made.name, ines) == 0
            CustomField.objects.filter(pk=made.pk).delete()


def test_who_sees_nothing_has_no_value_and_no_error(otto, ines, northwind, add):
    """The night notes the members of segments for owners who have left, too."""
    made = [add("N", "opportunities"), add("Sum", "opportunities", "sum", "value")]
    made += [add("Day", "opportunities", "latest", "expected_close")]
    User.objects.filter(pk=otto.pk).update(is_active=False, roles=[])
    otto.refresh_from_db()
    for field in made:
        entry = CLIENT_FIELDS[field.name]
        found = Client.objects.annotate(found=entry.expression(acting(otto), NOW)).get(pk=northwind.pk).found
        assert found == (0 if field.key == "n" else None)


def test_engagements_are_called_as_the_firm_calls_them_and_offered_where_it_has_them(client, ines, add):
    client.force_login(ines)
    offered = lambda url: dict(client.get(url).context["form"].fields["source"].choices)  # noqa: E731
    FirmSettings.objects.update(engagement_word="matter")
    assert str(offered(NEW)["engagements"]) == "Matters" and "Each document once" in client.get(NEW).content.decode()
    assert "restricted matters that" in client.get(NEW).content.decode()
    made = add("N", "engagements")
    FirmSettings.objects.update(engagement_word="off")
    assert "engagements" not in offered(NEW) and "contacts" in offered(NEW)
    assert "engagements" in offered(reverse("core:field", args=[made.pk]))


def test_each_reader_counts_what_they_see(marta, otto, ines, northwind, add):
    add("Calls", "interactions", where=["channel=phone"])
    log(marta, northwind)
    log(marta, northwind, Visibility.PRIVATE)
    log(marta, northwind, channel=Channel.NOTE)
    assert [given(northwind, "cf_calls", who) for who in (marta, otto, ines)] == [2, 1, 1]


def test_amounts_of_a_restricted_engagement_are_in_no_sum_of_others(marta, otto, ines, northwind, add):
    add("Pipeline", "opportunities", "sum", "value", where=["state=open"])
    add("Owed", "invoices", "sum", "open")
    secret = make_engagement(actor=marta, client=northwind, lead=marta, is_restricted=True)
    make_opportunity(actor=marta, client=northwind, value="1000")
    make_opportunity(actor=marta, client=northwind, value="500", engagement=secret)
    make_invoice(actor=marta, client=northwind, net="100", tax="0", engagement=secret)
    assert [given(northwind, "cf_pipeline", who) for who in (marta, otto, ines)] == [1500, 1000, 1000]
    assert [given(northwind, "cf_owed", who) for who in (marta, otto, ines)] == [100, None, None]


def test_what_is_hidden_is_in_no_list_file_filter_sort_or_answer(client, marta, otto, northwind, eastwind, add):
    add("Talks", "interactions")
    log(marta, northwind, Visibility.PRIVATE)
    log(otto, eastwind)
    shown = {marta: ["1", "1"], otto: ["1", "0"]}  # Eastwind, Northwind
    for who, counts in shown.items():
        client.force_login(who)
        file = b"".join(client.get("/clients/export/?as=csv&view=none&columns=cf_talks&sort=name")).decode()
        assert [line.split(",")[1] for line in file.splitlines()[1:]] == counts
        found = client.get("/clients/?view=none&cf_talks__from=1&sort=name").context["page"].rows
        assert [row.name for row in found] == ["Eastwind", "Northwind"][: sum(map(int, counts))]
        told = client.get("/api/v1/clients/?ordering=name").json()["results"]
        assert [row["cf_talks"] for row in told] == counts
    rows = client.get("/clients/?view=none&sort=-cf_talks&columns=cf_talks").context["page"].rows
    assert [row.name for row in rows] == ["Eastwind", "Northwind"]
    assert client.get(northwind.get_absolute_url()).status_code == 200


def test_amounts_are_in_the_firms_currency_and_missing_rates_are_said(client, marta, northwind, add):
    add("Pipeline", "opportunities", "sum", "value")
    add("Unrated", "opportunities", where=["without_rate"])
    services.create_field(
        acting(make_person(name="Ada Admin", roles=["admin"])),
        record="client",
        label="Twice",
        kind="formula",
        formula="[Pipeline] * 2",
    )
    make_opportunity(actor=marta, client=northwind, value="100")
    make_opportunity(actor=marta, client=northwind, value="100", currency="USD", rate=Decimal("0.5"))
    lost = make_opportunity(actor=marta, client=northwind, value="77", currency="SEK", rate=Decimal("0.1"))
    type(lost).objects.filter(pk=lost.pk).update(rate=None)
    assert given(northwind, "cf_pipeline", marta) == 150 and given(northwind, "cf_unrated", marta) == 1
    assert CLIENT_FIELDS["cf_pipeline"].text(northwind) == "€150 (1 without a rate)"
    client.force_login(marta)
    page = client.get("/clients/?view=none&columns=cf_pipeline,cf_twice").content.decode()
    assert "€150 (1 without a rate)" in page and "€300 (1 without a rate)" in page
    assert "€300 (1 without a rate)" in client.get(northwind.get_absolute_url()).content.decode()


def test_smallest_largest_average_and_latest(marta, northwind, add):
    for value, opened, close in (("100", 9, 20), ("300", 1, 5), ("200", 5, 9)):
        days = {"opened_date": date(2026, 11, opened), "expected_close": date(2026, 12, close)}
        make_opportunity(actor=marta, client=northwind, value=value, **days)
    for how in ("min", "max", "average", "latest"):
        add(f"Value {how}", "opportunities", how, "value")
    add("First close", "opportunities", "min", "expected_close")
    found = [given(northwind, f"cf_value_{how}", marta) for how in ("min", "max", "average", "latest")]
    assert found == [100, 300, 200, 100]
    assert given(northwind, "cf_first_close", marta) == date(2026, 12, 5)


def test_the_last_days_and_conditions_of_one_subject_are_alternatives(marta, northwind, add):
    log(marta, northwind, days=3)
    log(marta, northwind, days=40)
    log(marta, northwind, days=3, channel=Channel.EMAIL)
    log(marta, northwind, days=3, channel=Channel.NOTE)
    add("Month", "interactions", days=30)
    add("Either", "interactions", where=["channel=phone", "channel=email"], days=30)
    assert (given(northwind, "cf_month", marta), given(northwind, "cf_either", marta)) == (3, 2)


def test_archived_rows_and_archived_contacts_do_not_count(marta, northwind, add):
    add("Talks", "interactions")
    made = log(marta, northwind)
    type(made).objects.filter(pk=made.pk).update(archived_at=NOW)
    assert given(northwind, "cf_talks", marta) == 0


def test_a_segment_counts_as_its_reader_and_is_noted_as_its_owner(marta, otto, northwind, eastwind, add):
    add("Talks", "interactions")
    log(marta, northwind, Visibility.PRIVATE)
    rule = {"match": "all", "rules": [{"field": "cf_talks", "op": "at_least", "values": ["1"]}]}
    parsed = rules.read(rule)
    assert parsed.is_sound and parsed.is_personal
    assert [row.name for row in clients_of(parsed, acting(marta), NOW)] == ["Northwind"]
    assert not clients_of(parsed, acting(otto), NOW).exists()
    of_otto = create_segment(acting(otto), name="Talked to", rule=rule, is_shared=True)
    of_marta = create_segment(acting(marta), name="Talked to", rule=rule, is_shared=True)
    for segment in (of_otto, of_marta):
        note_members(SYSTEM, segment=segment, today=NOW.date(), now=NOW)
    assert list(SegmentMember.objects.values_list("segment", "client")) == [(of_marta.pk, northwind.pk)]
    assert not SegmentChange.objects.exists()


def test_an_admin_sets_one_up_and_wrong_ones_are_refused_at_their_place(client, ines, northwind):
    client.force_login(ines)
    page = client.get(NEW).content.decode()
    assert "Roll-up" in page and "Interactions" in page and "Onboarding plans" in page
    data = {"label": "Won", "kind": "rollup", "source": "opportunities", "how": "sum", "value-opportunities": "value"}
    data |= {"where-opportunities": ["state=won"], "days": "365", "decimals": "0"}
    assert client.post(NEW, data | {"days": "0"}).status_code == 422
    assert client.post(NEW, data).status_code == 302
    made = CustomField.objects.get()
    wanted = {"source": "opportunities", "how": "sum", "value": "value", "where": ["state=won"], "days": 365}
    assert made.rollup == wanted
    form = client.get(reverse("core:field", args=[made.pk])).context["form"]
    assert (form["source"].value(), form["where-opportunities"].value()) == ("opportunities", ["state=won"])
    listed = client.get("/settings/fields/of/client/").content.decode()
    assert "Sum: value of opportunities, State: Won, in the last 365 days" in listed


BAD = {
    "no such source": {"source": "cows", "how": "count"},
    "no such way": {"source": "contacts", "how": "median"},
    "no value": {"source": "invoices", "how": "sum"},
    "a sum of days": {"source": "invoices", "how": "sum", "value": "due_date"},
    "no such condition": {"source": "invoices", "how": "count", "where": ["status=eaten"]},
    "days without end": {"source": "invoices", "how": "count", "days": 10**9},
    "days that are no number": {"source": "invoices", "how": "count", "days": "many"},
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_rollup_is_refused(ines, case):
    with pytest.raises(ServiceError) as refused:
        services.create_field(acting(ines), record="client", label="Bad", kind="rollup", rollup=BAD[case])
    assert refused.value.field == "rollup" and not CustomField.objects.exists()


def test_a_source_that_is_gone_is_said(client, marta, northwind, add):
    made = add("Talks", "interactions")
    CustomField.objects.filter(pk=made.pk).update(rollup={"source": "gone", "how": "count"})
    services.order_fields(acting(make_person(name="Ada", roles=["admin"])), record="client", ids=[made.pk])
    client.force_login(marta)
    assert "Does not work: Choose what to roll up." in client.get(northwind.get_absolute_url()).content.decode()


def test_subsidiaries_that_are_out_of_sight_do_not_count(marta, otto, ines, northwind, eastwind, add):
    add("Children", "subsidiaries")
    Client.objects.filter(pk=eastwind.pk).update(parent=northwind, is_restricted=True)
    assert [given(northwind, "cf_children", who) for who in (marta, otto, ines)] == [1, 0, 0]
