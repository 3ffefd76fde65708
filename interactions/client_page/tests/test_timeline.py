"""The timeline of a client: everything in one order, narrowed by kind, words, person and days, page by page."""

from datetime import timedelta

import pytest
from django.utils import timezone

from clients.documents.services import add_document_version
from clients.opportunities.choices import LostReason
from clients.opportunities.services.outcomes import lose_opportunity
from crm.core.base.principals import acting
from interactions.follow_ups.models import FollowUp
from interactions.follow_ups.services import complete_follow_up
from interactions.log.services import pin_interaction
from interactions.surveys.services.answers import ensure_nps_survey, record_answer
from tools.testing.factories.documents import make_document, received
from tools.testing.factories.interactions import follow_up, log, make_contact, make_user
from tools.testing.factories.opportunities import make_opportunity

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(microsecond=0)


def ago(**past):
    return NOW - timedelta(**past)


@pytest.fixture
def look(client, marta, northwind):
    """`look(kind="note", q="price")`: the titles shown, page after page, newest first."""
    client.force_login(marta)

    def titles(**query):
        found, before = [], None
        for _page in range(20):
            answer = client.get(northwind.get_absolute_url(), query | ({"before": before} if before else {}))
            assert answer.status_code == 200
            page = answer.context["timeline"]
            found += [item.title for _heading, items in page.groups for item in items]
            before = page.older
            if not before:
                break
        return found

    titles.html = lambda **query: client.get(northwind.get_absolute_url(), query).text
    return titles


def test_notes_are_found_behind_more_calls_than_a_page_has(look, marta, northwind):
    log(actor=marta, client=northwind, channel="note", subject="An old note", occurred_at=ago(days=90), now=NOW)
    for n in range(45):
        log(actor=marta, client=northwind, subject=f"Call {n}", occurred_at=ago(days=n + 1), now=NOW)
    assert look(kind="note") == ["An old note"]
    assert look(kind="contact") == [f"Call {n}" for n in range(45)]
    every = look()
    assert every[:45] == [f"Call {n}" for n in range(45)] and "An old note" in every
    assert len(every) == len({*every})


def test_documents_and_opportunities_are_in_it(look, marta, northwind):
    document = make_document(actor=marta, client=northwind, now=NOW, title="Engagement letter")
    add_document_version(
        acting(marta),
        document=document,
        received=received("second.pdf", data=b"%PDF-1.7 the second"),
        remark="Payroll",
        now=NOW,
    )
    lost = make_opportunity(actor=marta, client=northwind, title="Audit", now=ago(days=9))
    lose_opportunity(acting(marta), opportunity=lost, reason=LostReason.PRICE, outcome_note="Dearer", now=NOW)
    assert look(kind="document") == [
        "Version 2 of “Engagement letter” added by Marta Kallio",
        "Document “Engagement letter” added by Marta Kallio",
    ]
    assert look(kind="opportunity") == [
        "Opportunity “Audit” lost: Price",
        "Opportunity “Audit” opened for Marta Kallio",
    ]
    html = look.html()
    assert document.get_absolute_url() in html and lost.get_absolute_url() in html and "Dearer" in html


def test_it_is_narrowed_by_words_person_and_days(look, marta, otto, northwind):
    elina = make_contact(client=northwind, is_primary=True)
    log(actor=marta, client=northwind, subject="The price", contacts=[elina], occurred_at=ago(days=3), now=NOW)
    log(actor=otto, client=northwind, subject="The remit", body="And the PRICE.", occurred_at=ago(days=2), now=NOW)
    log(actor=otto, client=northwind, subject="Other", decision="Price fixed", occurred_at=ago(days=1), now=NOW)
    step = follow_up(actor=marta, client=northwind, title="Send the price", contact=elina, now=ago(days=4))
    FollowUp.objects.update(created_at=ago(days=4))
    complete_follow_up(acting(marta), follow_up=step, now=ago(hours=2))
    said = {"score": 9, "comment": "Fair price", "answered_at": ago(hours=1)}
    record_answer(acting(marta), survey=ensure_nps_survey(), client=northwind, contact=elina, now=NOW, **said)
    make_document(actor=marta, client=northwind, now=NOW, title="Price list")

    done, added = "Follow-up “Send the price” done by Marta Kallio", "Follow-up “Send the price” added for Marta Kallio"
    survey, document = "NPS answer: 9", "Document “Price list” added by Marta Kallio"
    talks = ["Other", "The remit", "The price"]
    assert look(q="price") == [document, survey, done, *talks, added]
    assert look(q="remit") == ["The remit"]
    assert look(q="100%_") == []
    assert look(who=f"u{otto.pk}") == ["Other", "The remit"]
    assert look(who=f"c{elina.pk}") == [survey, done, "The price", added]
    assert look(who=f"c{elina.pk}", kind="contact") == ["The price"]
    first, last = timezone.localdate(ago(days=3)).isoformat(), timezone.localdate(ago(days=2)).isoformat()
    assert look(since=first, until=last) == ["The remit", "The price"]
    assert look(since=first, until=last, q="remit") == ["The remit"]


def test_what_cannot_be_read_narrows_nothing_and_is_named(look, marta, northwind):
    log(actor=marta, client=northwind, subject="A call", occurred_at=ago(days=1), now=NOW)
    for query, said in (
        ({"since": "soon"}, "Enter a valid date."),
        ({"since": "2026-11-20", "until": "2026-11-01"}, "This day is before"),
        ({"who": "u987654321"}, "Select a valid choice."),
        ({"who": "x"}, "Select a valid choice."),
        ({"q": "x" * 200}, "at most 100 characters"),
    ):
        html = look.html(**query)
        assert said in html and "A call" in html, query


def test_the_pinned_one_is_not_shown_where_it_does_not_match(look, marta, northwind):
    pinned = log(actor=marta, client=northwind, subject="Pinned price", occurred_at=ago(days=9), now=NOW)
    pin_interaction(acting(marta), interaction=pinned, is_pinned=True)
    log(actor=marta, client=northwind, subject="A call", occurred_at=ago(days=1), now=NOW)
    assert look()[:2] == ["Pinned price", "A call"]
    assert look(q="call") == ["A call"]
    assert look(q="price") == ["Pinned price"]


def test_filters_stay_while_paging_and_choosing_a_kind(look, marta, northwind):
    for n in range(25):
        log(actor=marta, client=northwind, subject=f"Price {n} & more", occurred_at=ago(days=n + 1), now=NOW)
    html = look.html(q="& more")
    assert "?kind=note&amp;q=%26+more" in html and "q=%26+more&amp;before=" in html
    assert 'value="&amp; more"' in html
    assert "Nothing in the timeline matches" in look.html(q="nowhere")


def test_the_filter_is_made_only_when_it_is_asked_for(look, marta, northwind):
    assert 'id="timeline-q"' not in look.html() and "?filter=1" in look.html()
    assert 'id="timeline-q"' in look.html(filter="1")
    stranger = make_user(name="Gone Person", is_active=False)
    assert stranger.name not in look.html(filter="1")
