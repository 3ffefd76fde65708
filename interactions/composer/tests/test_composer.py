import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clients.page.queries import load_client
from clients.registry import TimelineAsk
from crm.core.base.principals import acting
from crm.core.drafts.models import Draft
from crm.core.firm.queries import close_firm_cache, get_firm, open_firm_cache
from crm.core.users.models import User
from interactions.agreements.models import Decision
from interactions.agreements.services import create_commitment
from interactions.client_page import timeline
from interactions.client_page.cards import follow_ups_card, promises_card
from interactions.composer import panel
from interactions.follow_ups.models import FollowUp
from interactions.log.choices import Channel
from interactions.log.models import Interaction
from tools.testing.factories.interactions import follow_up, log, make_client, make_contact
from tools.testing.threads import at_once

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true", "HX-Target": "composer"}


@pytest.fixture
def url(northwind):
    return reverse("interactions:log", args=[northwind.pk])


@pytest.fixture
def web(client, marta):
    client.force_login(marta)
    return client


def typed(**fields):
    when = timezone.localtime().strftime("%Y-%m-%dT%H:%M")
    return {
        "channel": "phone",
        "body": "They want payroll from January.",
        "occurred_at": when,
        "visibility": "firm",
    } | fields


def test_the_panel_is_on_the_clients_page_with_the_main_contact_chosen(web, northwind, elina):
    page = web.get(reverse("clients:client", args=[northwind.pk])).content.decode()
    assert re.search(rf'name="contacts" value="{elina.pk}"\s+checked', page)
    assert 'data-submit="Log call"' in page


def test_what_this_app_adds_to_the_clients_page_is_cheap(northwind, elina, marta, django_assert_num_queries):
    """The client, three sources of the timeline, the people (which the page reads anyway), the draft, the client’s
    engagements, next steps and promises.
    """
    for days in range(5):
        log(
            actor=marta,
            client=northwind,
            occurred_at=timezone.now() - timedelta(days=days),
            now=timezone.now(),
            contacts=[elina],
            decision="Yes.",
        )
        follow_up(actor=marta, client=northwind, now=timezone.now())
        create_commitment(acting(marta), client=northwind, text="Commitment")
    user, now = User.objects.get(pk=marta.pk), timezone.now()
    open_firm_cache()
    get_firm()
    with django_assert_num_queries(9):
        client = load_client(acting(user), northwind.pk)
        for source in timeline.SOURCES:
            source.items(acting(user), client, TimelineAsk(None, 21))
        panel.panel(acting(user), client, now)
        follow_ups_card(acting(user), client, now)
        promises_card(acting(user), client, now)
    close_firm_cache()


def test_plain_post_logs_and_goes_back_to_the_client(web, url, northwind, elina, marta):
    answer = web.post(
        url,
        typed(
            contacts=[elina.pk], decision="Payroll from January.", next_title="Send the price", next_day="2027-01-08"
        ),
    )
    assert answer.status_code == 302 and answer["Location"] == reverse("clients:client", args=[northwind.pk])
    call = Interaction.objects.get()
    assert (call.channel, call.author, list(call.contacts.all())) == (Channel.CALL, marta, [elina])
    assert Decision.objects.get().text == "Payroll from January."
    assert FollowUp.objects.get().due_date.isoformat() == "2027-01-08"


def test_htmx_gets_a_fresh_composer_and_the_events(web, url):
    answer = web.post(url, typed(), headers=HTMX)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert page.strip().startswith('<div id="composer">') and "They want payroll" not in page
    assert "timeline-changed" in answer["HX-Trigger"] and "undo_url" in answer["HX-Trigger"]


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_what_is_wrong_is_said_beside_it_and_everything_typed_stays(web, url, headers, elina):
    data = typed(
        body="", next_title="Send the price", next_day="other", contacts=[elina.pk], decision="Payroll.", subject=""
    )
    answer = web.post(url, data, headers=headers)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Enter a subject or a summary." in page and "Choose a day." in page
    assert 'value="Send the price"' in page and "Payroll.</textarea>" in page
    assert re.search(rf'name="contacts" value="{elina.pk}"\s+checked', page)
    assert not Interaction.objects.exists() and not FollowUp.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"occurred_at": "2199-01-01T10:00"}, "This time is in the future."),
        ({"occurred_at": "yesterday"}, "Enter a valid date/time."),
        ({"duration_minutes": "-3"}, "greater than or equal to 0"),
        ({"channel": "pigeon"}, "Select a valid choice."),
        ({"next_title": "x", "next_day": "2026-13-45"}, "Choose a day."),
    ],
)
def test_bad_values_change_nothing(web, url, wrong, said):
    answer = web.post(url, typed(**wrong))
    assert answer.status_code == 422 and said in answer.content.decode()
    assert not Interaction.objects.exists()


def test_a_subject_that_is_too_long_is_kept_and_said_beside_it(web, url):
    answer = web.post(url, typed(channel="email", subject="s" * 201), headers=HTMX)
    page = answer.content.decode()
    assert answer.status_code == 422 and f'value="{"s" * 201}"' in page
    assert re.search(r'id="composer-subject-error">At most 200 characters. This has 201.', page)


def test_a_contact_of_another_client_is_no_choice(web, url, marta):
    stranger = make_contact(client=make_client(owner=marta, name="Contoso"))
    assert web.post(url, typed(contacts=[stranger.pk])).status_code == 422


def test_an_untouched_time_is_the_time_of_writing(web, url):
    opened = (timezone.localtime() - timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M")
    web.post(url, typed(occurred_at=opened, untouched=opened))
    assert timezone.now() - Interaction.objects.get().occurred_at < timedelta(minutes=1)


def test_undo_takes_it_back(web, url, northwind):
    web.post(url, typed())
    call = Interaction.objects.get()
    web.post(reverse("interactions:archive", args=[call.pk]))
    northwind.facts.refresh_from_db()
    assert not Interaction.objects.kept().exists() and northwind.facts.last_contact_at is None
    assert Interaction.objects.get().archived_at


def test_a_draft_comes_back_for_this_client_only_and_goes_with_the_log(web, url, northwind, marta):
    draft_url = reverse("interactions:draft", args=[northwind.pk])
    assert web.post(draft_url, typed(body="Half a sent", next_title="Ask Tiina", sentiment="1")).status_code == 204
    page = web.get(reverse("clients:client", args=[northwind.pk])).content.decode()
    assert "Half a sent" in page and "Ask Tiina" in page and "Draft saved" in page
    other = make_client(owner=marta, name="Contoso")
    assert "Half a sent" not in web.get(reverse("interactions:log", args=[other.pk])).content.decode()
    web.post(url, typed(body="The whole sentence."))
    assert not Draft.objects.exists()


def test_an_emptied_draft_is_gone(web, northwind):
    draft_url = reverse("interactions:draft", args=[northwind.pk])
    web.post(draft_url, typed(body="Half"))
    assert web.post(draft_url, typed(body=" ")).status_code == 205
    assert not Draft.objects.exists()


def test_a_draft_is_discarded_and_brought_back(web, url, northwind):
    discard, undo = (reverse(f"interactions:draft-{name}", args=[northwind.pk]) for name in ("discard", "undo"))
    web.post(reverse("interactions:draft", args=[northwind.pk]), typed(body="Half a sent"))
    assert "data-draft-discard>" in web.get(url).content.decode()
    answer = web.post(discard, typed(body="Half a sentence"), headers=HTMX)
    page = answer.content.decode()
    assert (
        page.strip().startswith('<div id="composer">')
        and "Half a sent" not in page
        and "data-draft-discard hidden" in page
    )
    assert "Draft discarded." in answer["HX-Trigger"] and undo in answer["HX-Trigger"]
    assert "Half a sent" not in web.get(url).content.decode()
    assert web.post(undo, {"next": url})["Location"] == url
    assert "Half a sentence" in web.get(url).content.decode(), "text typed in the last second is also kept"


def test_undo_never_replaces_what_is_typed_by_now(web, url, northwind):
    draft, discard, undo = (
        reverse(f"interactions:{name}", args=[northwind.pk]) for name in ("draft", "draft-discard", "draft-undo")
    )
    web.post(discard, typed(body="The first"))
    web.post(draft, typed(body="The second"))
    page = web.post(undo, {"next": url}, follow=True).content.decode()
    assert "The second" in page and "The first" not in page and "you have started another" in page
    web.post(discard, typed(body="The second"))
    web.post(undo)
    page = web.get(url).content.decode()
    assert "The second" in page and "The first" not in page, "undo restores the last one"


def test_an_empty_composer_has_nothing_to_undo(web, northwind):
    answer = web.post(reverse("interactions:draft-discard", args=[northwind.pk]), typed(body=" "), headers=HTMX)
    assert answer.status_code == 200 and '"undo_url": ""' in answer["HX-Trigger"]


def test_nobody_discards_the_draft_of_a_colleague(web, url, northwind, otto):
    Draft.objects.create(user=otto, kind="interaction", client_id=northwind.pk, data={"body": "Of Otto"})
    web.post(reverse("interactions:draft-discard", args=[northwind.pk]), typed(body=""))
    assert Draft.objects.get().data == {"body": "Of Otto"}


def test_a_client_in_the_trash_takes_nothing(web, url, northwind):
    northwind.archived_at = timezone.now()
    northwind.save()
    assert web.post(url, typed()).status_code == 403
    assert not Interaction.objects.exists()


def test_the_long_list_names_colleagues(web, northwind, otto, marta):
    rows = web.get(reverse("interactions:composer-list", args=[northwind.pk, "participants"])).content.decode()
    assert otto.name in rows and marta.name not in rows


def test_a_script_in_the_text_is_shown_as_text(web, northwind, marta):
    body = "<script>alert(1)</script> [x](javascript:alert(1)) **bold** <b hx-get=/x>b</b>"
    log(actor=marta, client=northwind, body=body, now=timezone.now(), occurred_at=timezone.now())
    page = web.get(reverse("clients:client", args=[northwind.pk])).content.decode()
    text = page[page.index('class="timeline-text rich"') :][:400]
    assert "<strong>bold</strong>" in text
    assert "<script" not in text and 'href="javascript' not in text and "<b " not in text


@pytest.mark.django_db(transaction=True)
def test_a_form_that_is_sent_ten_times_at_once_logs_once(web, url, marta):
    once = re.search(r'name="once" value="([^"]+)"', web.get(url).text)[1]

    def post(number):
        browser = Client(raise_request_exception=False)
        browser.force_login(marta)
        return browser.post(url, typed(once=once)).status_code

    assert at_once(post, 10) == [302] * 10
    assert Interaction.objects.count() == 1


def test_the_key_of_a_program_is_not_one_of_a_form(web, url, northwind):
    once = re.search(r'name="once" value="([^"]+)"', web.get(url).text)[1]
    body = {"name": "Kestrel"}
    made = web.post("/api/v1/clients", body, "application/json", headers={"Idempotency-Key": f"form:{once}"})
    assert made.status_code == 201
    assert web.post(url, typed(once=once)).status_code == 302 and Interaction.objects.count() == 1


@pytest.mark.django_db
def test_a_form_that_is_sent_ten_times_logs_once_and_the_next_form_logs_again(web, url):
    once = re.search(r'name="once" value="([^"]+)"', web.get(url).content.decode())[1]
    for _turn in range(10):
        assert web.post(url, typed(once=once)).status_code == 302
    assert Interaction.objects.count() == 1
    fresh = web.post(url, typed(once=once), headers=HTMX).content.decode()
    assert once not in fresh
    web.post(url, typed(once=re.search(r'name="once" value="([^"]+)"', fresh)[1]))
    assert Interaction.objects.count() == 2
