"""The ten things people do most, by hand in a real browser: seconds, keys and clicks of each, printed at the end of the run."""

from datetime import timedelta
from time import perf_counter

import pytest
from django.urls import reverse
from django.utils import timezone

from interactions.follow_ups.models import FollowUp
from interactions.log.models import Interaction
from tools.testing.factories import interactions

pytestmark = pytest.mark.django_db(transaction=True)
KEY_MS = 50  # between two keys of somebody who types well: 1,200 a minute


class Hand:
    """Types and clicks at a person's speed, and counts."""

    def __init__(self, page, record):
        self.page, self.record = page, record
        self.keys = self.clicks = 0

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.page.wait_for_timeout(KEY_MS)
            self.keys += 1

    def type(self, text: str) -> None:
        self.page.keyboard.type(text, delay=KEY_MS)
        self.keys += len(text)

    def click(self, what) -> None:
        what.click()
        self.clicks += 1

    def does(self, action: str, start: str, steps, seen) -> None:
        """From the page `start`, do `steps` until `seen` is there."""
        self.page.goto(start)
        self.page.wait_for_load_state("networkidle")
        self.keys = self.clicks = 0
        began = perf_counter()
        steps()
        seen.first.wait_for()
        seconds = perf_counter() - began
        words = f"{action:<44} {seconds:5.1f} s  {self.keys:3} keys  {self.clicks} clicks"
        self.record("told", words)


@pytest.fixture
def marta(transactional_db, sign_in):
    interactions.make_firm(is_set_up=True)
    return sign_in(interactions.make_user())


@pytest.fixture
def northwind(marta):
    client = interactions.make_client(owner=marta, tier="A")
    interactions.make_contact(client=client, is_primary=True)
    now = timezone.now()
    for n, title in enumerate(("Call back", "Ask for papers", "Send the scope")):
        interactions.follow_up(
            actor=marta, client=client, title=title, due_date=now.date() - timedelta(days=3 - n), now=now
        )
    return client


def test_the_ten_most_frequent_actions(page, live_server, marta, northwind, record_property):
    jonas = interactions.make_user(name="Jonas Berg")
    hand, dialog, toasts = Hand(page, record_property), page.locator("#remote-dialog"), page.locator("#toasts")
    today, its_page = live_server.url + "/today/", live_server.url + reverse("clients:client", args=[northwind.pk])
    follow_ups, clients = (live_server.url + reverse(name) for name in ("interactions:follow-ups", "clients:list"))
    chosen = page.locator(".palette-item[aria-selected=true]")

    def find():
        hand.press("Control+k")
        hand.type("northw")
        chosen.filter(has_text="Northwind").wait_for()
        hand.press("Enter")

    hand.does("Open a client by its name", today, find, page.get_by_role("heading", level=1, name=northwind.name))

    def log():
        hand.press("l")
        hand.type("They want payroll from January.")
        hand.press("Control+Enter")

    hand.does("Log a call", its_page, log, page.locator(".timeline-item", has_text="They want payroll"))

    def log_with_step():
        hand.press("l")
        hand.type("Scope agreed.")
        hand.click(page.locator(".chip", has_text="Next step"))
        hand.type("Send the contract")
        hand.press("Control+Enter")

    step = page.locator("#follow-ups-card", has_text="Send the contract")
    hand.does("Log a call with the next step", its_page, log_with_step, step)

    def log_from_anywhere():
        hand.press("Control+k")
        hand.type("log call northw")
        chosen.filter(has_text="Log a call with Northwind").wait_for()
        hand.press("Enter")
        page.locator("#composer-body:focus").wait_for()
        hand.type("No answer.")
        hand.press("Control+Enter")

    logged = page.locator(".timeline-item", has_text="No answer.")
    hand.does("Log a call from another page", today, log_from_anywhere, logged)

    hand.does("Finish a follow-up", today, lambda: hand.press("j", "d"), toasts.filter(has_text="“Call back” done"))

    def snooze():
        hand.press("j", "s")
        hand.click(dialog.locator(".chip", has_text="Tomorrow"))
        hand.press("Control+Enter")

    hand.does("Snooze a follow-up until tomorrow", today, snooze, toasts.filter(has_text="“Ask for papers” snoozed"))

    def reassign():
        hand.press("j", "a")
        dialog.locator(".ts-control input").wait_for()
        hand.type("jon")
        dialog.locator(".option.active", has_text="Jonas Berg").wait_for()
        hand.press("Enter", "Control+Enter")

    hand.does("Reassign a follow-up", today, reassign, toasts.filter(has_text="reassigned to Jonas Berg"))

    def add():
        hand.press("c")
        page.get_by_role("option", name="New follow-up for Northwind").wait_for()
        hand.type("northw")
        chosen.filter(has_text="New follow-up for Northwind").wait_for()
        hand.press("Enter")
        dialog.locator("[name=title]").wait_for()
        hand.type("Send the price")
        hand.press("Control+Enter")

    hand.does("Add a follow-up", follow_ups, add, toasts.filter(has_text="“Send the price” added"))

    def change():
        hand.click(page.get_by_role("link", name="Change the industry"))
        page.get_by_role("textbox", name="Industry", exact=True).wait_for()
        hand.press("Control+a")
        hand.type("Law")
        hand.press("Enter")

    hand.does("Change a fact of a client", its_page, change, page.locator("#client-meta").get_by_text("Law"))

    def narrow():
        hand.press("/")
        hand.type("northw")

    hand.does("Find a client in the list", clients, narrow, page.get_by_text("1 client", exact=False))

    assert Interaction.objects.count() == 3
    assert FollowUp.objects.get(title="Send the price").client == northwind
    assert FollowUp.objects.get(title="Send the scope").assignee == jonas
    assert set(FollowUp.objects.filter(state="done").values_list("title", flat=True)) == {"Call back"}
