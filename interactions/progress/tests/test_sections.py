"""What this app brings into a progress email: only what was shared, with its day and whose it is."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import translation

from clients.catalogue.models import Service
from clients.revenue.models import Contract
from interactions.agreements.models import Commitment, Decision
from interactions.progress import sections as progress_sections
from interactions.progress import sources as progress_sources
from tools.testing.factories import interactions as make

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 20, 7, 0, tzinfo=UTC)
END = datetime(2026, 11, 27, 7, 0, tzinfo=UTC)


@pytest.fixture
def marta():
    make.make_firm()
    return make.make_user()


@pytest.fixture
def northwind(marta):
    return make.make_client(owner=marta, time_zone="Europe/Helsinki")


def built(client):
    built = progress_sections.build(client, START, END)
    return {section["key"]: section["items"] for section in built.sections}, built.is_news


def contract(client, name, start, **fields):
    service = Service.objects.get_or_create(name="Payroll")[0]
    values = {"value": Decimal(100), "currency": "EUR"} | fields
    return Contract.objects.create(client=client, service=service, name=name, start_date=start, rate=1, **values)


def test_the_sections_in_their_order(northwind):
    built = progress_sections.build(northwind, START, END)
    assert [section["title"] for section in built.sections] == [
        "Done this week",
        "Decisions and agreements",
        "Coming next",
        "What we need from you",
        "Milestones",
        "Open questions",
    ]
    assert not built.is_news


def test_who_is_expected_to_do_what(northwind, marta):
    elina = make.make_contact(client=northwind)
    shared = {"client": northwind, "is_shared": True}
    Commitment.objects.create(**shared, text="Findings letter", owner=marta, due_date=date(2026, 12, 2))
    Commitment.objects.create(**shared, text="Price list", due_date=date(2026, 12, 3))
    Commitment.objects.create(**shared, text="Two receipts", side="client", contact=elina, due_date=date(2026, 11, 27))
    Commitment.objects.create(**shared, text="A decision", side="client")
    Commitment.objects.create(client=northwind, text="Not shared", side="client")
    lines, is_news = built(northwind)
    assert lines["next"] == ["Findings letter (Marta Kallio), by Wed 2 Dec", "Price list (Kallio & Co), by Thu 3 Dec"]
    assert lines["needed"] == ["Two receipts (Elina Saari), by Fri 27 Nov", "A decision"]
    assert lines["questions"] == []
    assert not is_news


def test_a_day_of_next_year_names_it_in_the_clients_language(northwind):
    day = {"client": northwind, "is_shared": True, "due_date": date(2027, 1, 4)}
    Commitment.objects.create(**day, text="Price list")
    end = datetime(2026, 12, 28, 7, 0, tzinfo=UTC)
    assert progress_sources.our_commitments(northwind, START, end) == ["Price list (Kallio & Co), by Mon 4 Jan 2027"]
    with translation.override("de"):
        assert "Mo 4. Januar 2027" in progress_sources.our_commitments(northwind, START, end)[0]


def test_what_they_are_late_with_is_a_question(northwind):
    elina = make.make_contact(client=northwind)
    late = {"client": northwind, "side": "client", "contact": elina, "due_date": date(2026, 11, 26)}
    Commitment.objects.create(**late, text="Two receipts", is_shared=True)
    Commitment.objects.create(**late, text="Not shared")
    lines, _is_news = built(northwind)
    assert lines["questions"] == ["Two receipts (Elina Saari), due Thu 26 Nov. When can we expect it?"]
    assert lines["needed"] == []


def test_a_decision_nobody_confirmed_is_asked_about_once(northwind, marta):
    common = {"client": northwind, "author": marta, "decided_date": date(2026, 11, 17)}
    Decision.objects.create(**common, text="Payroll from January.", is_shared=True)
    Decision.objects.create(**common, text="Confirmed", is_shared=True, confirmed_at=START)
    Decision.objects.create(**common, text="Not shared")
    lines, is_news = built(northwind)
    assert lines["questions"] == ["We noted on Tue 17 Nov: Payroll from January. Is that right?"]
    assert not is_news
    week = timedelta(days=7)
    assert progress_sources.unconfirmed_decisions(northwind, START + week, END + week) == []
    assert progress_sources.unconfirmed_decisions(northwind, START - week, END - week) == [], (
        "reported first, asked later"
    )


def test_contracts_that_begin_or_need_both_sides(northwind):
    begun = contract(northwind, "Bookkeeping", date(2026, 11, 23))
    contract(northwind, "", date(2026, 12, 1))
    contract(northwind, "Price of 2027", date(2026, 12, 1), replaces=begun)
    contract(northwind, "Far away", date(2027, 3, 1))
    contract(northwind, "Audit", date(2025, 12, 10), renewal_date=date(2026, 12, 10))
    contract(northwind, "By itself", date(2025, 12, 10), renewal_date=date(2026, 12, 10), is_auto_renewed=True)
    contract(northwind, "Ended", date(2025, 1, 1), end_date=date(2026, 1, 1), renewal_date=date(2026, 12, 10))
    lines, is_news = built(northwind)
    assert lines["milestones"] == [
        "Mon 23 Nov: start of Bookkeeping",
        "Tue 1 Dec: start of Payroll",
        "Thu 10 Dec: renewal of Audit",
    ]
    assert is_news, "a contract that has started is news, a future one is not"


def test_lines_stay_lines(northwind, marta):
    """A text of several lines is one line of the mail."""
    Decision.objects.create(
        client=northwind, author=marta, decided_date=date(2026, 11, 24), text="Payroll\n\nfrom January", is_shared=True
    )
    assert built(northwind)[0]["agreed"] == ["Payroll from January"]
