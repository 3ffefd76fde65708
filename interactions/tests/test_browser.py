"""The composer and Today in a real browser, by keyboard."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from crm.core.base.principals import acting
from crm.core.drafts.models import Draft
from crm.core.users.models import User
from interactions.agreements.services import create_commitment
from interactions.follow_ups.models import FollowUp
from interactions.log.models import Interaction
from interactions.log.services import correct_interaction
from interactions.surveys.services.answers import ensure_nps_survey, record_answer
from tools.testing.factories import interactions

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def marta(transactional_db, sign_in):
    interactions.make_firm(is_set_up=True)
    return sign_in(interactions.make_user())


@pytest.fixture
def northwind(marta):
    client = interactions.make_client(owner=marta, tier="A")
    interactions.make_contact(client=client, is_primary=True)
    return client


def test_a_call_is_logged_by_keyboard_alone(page, live_server, marta, northwind):
    page.goto(live_server.url + reverse("clients:client", args=[northwind.pk]))
    page.evaluate("window.stayed = true")
    page.keyboard.press("l")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("m")
    assert page.locator("[name=channel][value=meeting]").is_checked()
    page.keyboard.press("c")
    page.keyboard.press("c")
    assert page.locator("[name=channel][value=phone]").is_checked(), "Chat, then Call again"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("They want payroll from January.")
    page.locator(".chip", has_text="Next step").focus()
    page.keyboard.press("Enter")
    page.keyboard.type("Send the price")
    page.keyboard.press("Control+Enter")
    entry = page.locator("#timeline .timeline-item", has_text="They want payroll from January.")
    entry.wait_for()
    assert page.evaluate("window.stayed") is True, "without reloading the page"
    page.locator("#client-strip", has_text="Send the price").wait_for()
    page.locator("#follow-ups-card", has_text="Send the price").wait_for()
    assert page.locator("#composer-body").input_value() == ""
    assert page.locator("#toasts", has_text="logged").is_visible()
    assert Interaction.objects.get().channel == "phone"
    assert FollowUp.objects.get().title == "Send the price"
    page.locator("#toasts button", has_text="Undo").click()
    page.wait_for_load_state()
    assert page.locator("#timeline .timeline-item", has_text="They want payroll").count() == 0


def test_what_is_wrong_stays_open_with_what_was_typed(page, live_server, marta, northwind):
    page.goto(live_server.url + reverse("clients:client", args=[northwind.pk]))
    page.locator(".chip", has_text="Decision").click()
    page.locator("[name=decision]").fill("Payroll from January.")
    page.keyboard.press("Control+Enter")
    page.locator("#composer-body-error").wait_for()
    assert page.locator("[name=decision]").input_value() == "Payroll from January."
    assert page.locator(".chip", has_text="Decision: Payroll").count() == 1


def test_a_style_that_a_field_was_given_breaks_no_policy_when_it_is_replaced(page, live_server, marta, northwind):
    """Browsers (a field made larger by its corner) and libraries leave styles behind; htmx used to copy them, which the
    content security policy refuses and the `page` fixture reports."""
    page.goto(live_server.url + reverse("clients:client", args=[northwind.pk]))
    page.locator("#composer-body").fill("They called.")
    page.locator("#composer-body").evaluate("field => { field.style.height = '9rem'; }")
    page.keyboard.press("Control+Enter")
    page.locator("#timeline .timeline-item", has_text="They called.").wait_for()
    expect(page.locator("#composer-body")).to_have_value("")
    assert page.locator("#composer-body").get_attribute("style") is None


def test_a_draft_is_kept_and_comes_back(page, live_server, marta, northwind):
    address = live_server.url + reverse("clients:client", args=[northwind.pk])
    page.goto(address)
    page.locator("#composer-body").fill("Half a sent")
    page.locator("[data-draft-status]", has_text="Draft saved").wait_for()
    page.goto(address)
    assert page.locator("#composer-body").input_value() == "Half a sent"


def test_the_clock_of_a_draft_is_the_persons_and_a_draft_can_be_discarded(page, live_server, marta, northwind):
    User.objects.filter(pk=marta.pk).update(time_zone="Asia/Tokyo")  # the browser of the tests is elsewhere
    page.goto(live_server.url + reverse("clients:client", args=[northwind.pk]))
    discard, status = page.locator("[data-draft-discard]"), page.locator("[data-draft-status]")
    assert discard.is_hidden()
    page.locator("#composer-body").fill("Half a sent")
    status.filter(has_text="Draft saved").wait_for()
    typed_at = status.inner_text()
    hours = {
        (timezone.now() - back).astimezone(ZoneInfo("Asia/Tokyo")).strftime("%H:%M")
        for back in (timedelta(), timedelta(minutes=1))
    }
    assert typed_at.split()[-1] in hours
    page.reload()
    assert status.inner_text() == typed_at, "the server's clock and the script's are one"
    discard.click()
    page.locator("#toasts", has_text="Draft discarded.").wait_for()
    assert page.locator("#composer-body").input_value() == "" and discard.is_hidden()
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    page.locator("#toasts", has_text="Draft restored.").wait_for()
    assert page.locator("#composer-body").input_value() == "Half a sent" and discard.is_visible()
    page.locator("#composer-body").fill("")
    discard.wait_for(state="hidden")
    assert not Draft.objects.exists()


def test_a_new_follow_up_from_the_list_asks_for_whom(page, live_server, marta, northwind):
    page.goto(live_server.url + reverse("interactions:follow-ups"))
    page.keyboard.press("c")
    page.get_by_role("option", name="New follow-up for Northwind").wait_for()
    page.keyboard.type("north")
    page.locator("#palette-input").and_(page.get_by_role("combobox")).wait_for()
    assert page.locator("#palette-input").input_value() == "New follow-up north"
    page.get_by_role("option", name="New follow-up for Northwind").wait_for()
    page.keyboard.press("Enter")
    page.locator("#remote-dialog [name=title]").fill("Send the price")
    page.get_by_role("button", name="Add follow-up").click()
    page.locator(".follow-up", has_text="Send the price").wait_for()
    assert FollowUp.objects.get().client == northwind


def test_today_by_keyboard(page, live_server, marta, northwind):
    today = timezone.now().date()
    for title, days in (("First", -2), ("Second", 1)):
        interactions.follow_up(
            actor=marta, client=northwind, title=title, due_date=today + timedelta(days=days), now=timezone.now()
        )
    page.goto(live_server.url + "/today/")
    page.keyboard.press("j")
    page.keyboard.press("d")
    page.locator(".follow-up", has_text="First").wait_for(state="detached")
    assert FollowUp.objects.get(title="First").state == "done"
    page.keyboard.press("j")
    page.keyboard.press("a")
    page.locator("#remote-dialog [name=assignee]").wait_for()
    page.keyboard.press("Escape")


def test_four_are_done_by_four_keys(page, live_server, marta, northwind):
    """The next row is current as soon as one is done, even before the list is redrawn, and after a dialog."""
    now = timezone.now()
    for n in range(7):
        due = now.date() + timedelta(days=n - 3)
        interactions.follow_up(actor=marta, client=northwind, title=f"Step {n}", due_date=due, now=now)
    page.goto(live_server.url + "/today/")
    page.keyboard.press("j")
    for _step in range(4):
        page.keyboard.press("d", delay=60)
    page.locator(".follow-up", has_text="Step 3").wait_for(state="detached")
    assert set(FollowUp.objects.filter(state="done").values_list("title", flat=True)) == {f"Step {n}" for n in range(4)}
    page.locator(".follow-up.is-current", has_text="Step 4").wait_for()
    page.keyboard.press("s")
    page.locator("#remote-dialog [type=submit], #remote-dialog button.btn-primary").first.click()
    page.locator(".follow-up", has_text="Step 4").wait_for(state="detached")
    page.locator(".follow-up.is-current", has_text="Step 5").wait_for()
    page.keyboard.press("d")
    page.locator(".follow-up", has_text="Step 5").wait_for(state="detached")
    assert FollowUp.objects.get(title="Step 5").state == "done"
    assert FollowUp.objects.get(title="Step 6").state == "open"


def test_the_numbers_follow_what_is_done(page, live_server, marta, northwind):
    """The number beside Today and the count above the list update after an action that does not reload the page."""
    now = timezone.now()
    for n in range(3):
        interactions.follow_up(
            actor=marta, client=northwind, title=f"Step {n}", due_date=now.date() - timedelta(days=2), now=now
        )
    for address in ("/today/", "/follow-ups/"):
        page.goto(live_server.url + address)
        left = FollowUp.objects.filter(state="open").count()
        number = page.locator(".sidebar [data-nav=today] .nav-count")
        expect(number).to_have_text(str(left))
        page.keyboard.press("j")
        page.keyboard.press("d")
        expect(number).to_have_text(str(left - 1))
    expect(page.locator(".filter-count")).to_have_text("1 follow-up")
    page.keyboard.press("d")
    expect(number).to_have_count(0)


def addresses(marta, northwind):
    now = timezone.now()
    call = interactions.log(
        actor=marta,
        client=northwind,
        contacts=[northwind.contacts.get()],
        decision="Payroll.",
        sentiment=1,
        occurred_at=now,
        now=now,
    )
    correct_interaction(acting(marta), interaction=call, body="Corrected.", now=now)
    row = interactions.follow_up(actor=marta, client=northwind, due_date=now.date(), now=now)
    create_commitment(acting(marta), client=northwind, text="Send the audit calendar", due_date=now.date())
    record_answer(
        acting(marta),
        survey=ensure_nps_survey(),
        client=northwind,
        score=9,
        comment="Quick.",
        answered_at=now,
        now=now,
    )
    own = [
        "/today/",
        "/follow-ups/",
        f"/follow-ups/{row.pk}/",
        "/interactions/",
        f"/interactions/{call.pk}/",
        f"/interactions/{call.pk}/correct/",
        "/surveys/",
    ]
    return own + [
        f"/clients/{northwind.pk}/{part}"
        for part in ("", "log/", "agreed/", "surveys/", "surveys/new/", "follow-ups/new/", "agreed/promise/")
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_are_accessible(page, live_server, marta, northwind, assert_accessible, theme):
    marta.theme = theme
    marta.save()
    for address in addresses(marta, northwind):
        page.goto(live_server.url + address)
        assert_accessible(page)


def test_the_pages_fit_the_phone(page, live_server, marta, northwind):
    page.set_viewport_size({"width": 320, "height": 700})
    for address in addresses(marta, northwind):
        page.goto(live_server.url + address)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{address} scrolls sideways"


def test_letters_among_the_chips_are_no_shortcuts_and_undo_stays_where_it_was_asked(
    page, live_server, marta, northwind
):
    page.goto(live_server.url + reverse("clients:client", args=[northwind.pk]))
    page.evaluate("window.stayed = true")
    page.locator(".chip", has_text="Sentiment").focus()
    page.keyboard.type("e")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.name") == "sentiment"
    page.keyboard.type("ce")
    assert page.evaluate("window.stayed") is True

    interactions.follow_up(actor=marta, client=northwind, title="Send the list")
    page.goto(live_server.url + reverse("interactions:follow-ups"))
    page.keyboard.press("j")
    page.keyboard.press("d")
    page.locator("#toasts button", has_text="Undo").click()
    page.locator("#toasts", has_text="reopened").wait_for()
    assert page.url.endswith(reverse("interactions:follow-ups"))


def test_reassign_by_typing_a_name(page, live_server, marta, northwind):
    """Nobody is chosen beforehand: a few letters and Enter choose, the toast names who has it."""
    interactions.make_user(name="Aino Virta")
    jonas = interactions.make_user(name="Jonas Berg")
    now = timezone.now()
    interactions.follow_up(actor=marta, client=northwind, title="First", due_date=now.date(), now=now)
    page.goto(live_server.url + "/today/")
    page.keyboard.press("j")
    page.keyboard.press("a")
    page.locator("#remote-dialog .ts-control input").wait_for()
    page.keyboard.type("jon", delay=80)
    page.locator("#remote-dialog .option.active", has_text="Jonas Berg").wait_for()
    page.keyboard.press("Enter")
    page.keyboard.press("Control+Enter")
    page.locator("#toasts", has_text="“First” reassigned to Jonas Berg").wait_for()
    assert FollowUp.objects.get().assignee == jonas
    page.locator("#toasts button", has_text="Undo").click()
    page.locator(".follow-up", has_text="First").wait_for()
    assert FollowUp.objects.get().assignee == marta


def test_the_palette_does_things(page, live_server, marta, northwind, assert_accessible):
    """A call with a client named in the same line, a follow-up in a dialog over the page, the theme, by keyboard alone."""
    page.goto(live_server.url + "/today/")
    page.keyboard.press("Control+k")
    page.locator("#palette-results", has_text="New client").wait_for()
    assert_accessible(page)
    page.keyboard.type("log call north", delay=70)
    page.locator(".palette-item[aria-selected=true]", has_text="Log a call with Northwind Advisory").wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url("**/log/?channel=phone")
    assert page.locator("[name=channel][value=phone]").is_checked()
    page.goto(live_server.url + "/today/")
    page.keyboard.press("Control+k")
    page.keyboard.type("new follow-up", delay=70)
    page.locator(".palette-item", has_text="New follow-up…").click()
    page.keyboard.type("north", delay=70)
    page.locator(".palette-item[aria-selected=true]", has_text="New follow-up for Northwind Advisory").wait_for()
    page.keyboard.press("Enter")
    page.locator("#remote-dialog [name=title]").fill("Send the price")
    page.keyboard.press("Control+Enter")
    page.locator("#toasts", has_text="“Send the price” added").wait_for()
    page.keyboard.press("Control+k")
    page.keyboard.type("switch theme dark", delay=70)
    page.locator(".palette-item[aria-selected=true]", has_text="Switch theme: dark").wait_for()
    page.keyboard.press("Enter")
    page.locator("html[data-bs-theme=dark]").wait_for(state="attached")


def test_a_day_is_picked_by_chip_or_typed_in_words(page, live_server, marta, northwind):
    now = timezone.now()
    interactions.follow_up(actor=marta, client=northwind, title="First", due_date=now.date(), now=now)
    page.goto(live_server.url + "/today/")
    page.keyboard.press("j")
    page.keyboard.press("s")
    page.locator("#remote-dialog .day-words").type("in 3 w", delay=60)
    wanted = (timezone.localtime(now).date() + timedelta(days=21)).isoformat()
    assert page.locator("#remote-dialog [name=until]").input_value() == f"{wanted}T08:00"
    page.locator("#remote-dialog .day-words").fill("fri")
    friday = page.locator("#remote-dialog [name=until]").input_value()[:10]
    assert date.fromisoformat(friday).weekday() == 4
    page.locator("#remote-dialog .chip", has_text="Tomorrow").click()
    page.keyboard.press("Control+Enter")
    page.locator("#toasts", has_text="“First” snoozed until").wait_for()


@pytest.mark.parametrize(
    ("zone", "days"),
    [
        ("Europe/Helsinki", ["2026-11-28", "2026-11-30", "2026-12-04", "2026-12-11"]),
        ("Asia/Tokyo", ["2026-11-29", "2026-11-30", "2026-12-04", "2026-12-12"]),
    ],
)
def test_the_days_to_choose_stand_in_their_order(page, live_server, marta, northwind, zone, days):
    """On a Friday the next Friday comes after the next Monday; in Tokyo it is Saturday by then."""
    now = timezone.now()
    User.objects.filter(pk=marta.pk).update(time_zone=zone)
    interactions.follow_up(actor=marta, client=northwind, title="First", due_date=now.date(), now=now)
    page.clock.set_fixed_time(datetime(2026, 11, 27, 20, tzinfo=UTC))
    page.goto(live_server.url + "/today/")
    page.keyboard.press("j")
    page.keyboard.press("s")
    page.locator("#remote-dialog .day-words").wait_for()
    found = page.locator("#remote-dialog [data-day]").evaluate_all("chips => chips.map((chip) => chip.dataset.day)")
    assert found == days
