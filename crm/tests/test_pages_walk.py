"""The main pages of the demo firm in a browser, light and dark, on a desk, in half a window, on a phone and on paper: axe finds
nothing, the console stays empty (the `page` fixture sees to it), nothing has to be scrolled sideways or is squeezed into a column
of letters, and paper says whose it is and has no controls."""

import re
from contextlib import suppress

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import TimeoutError

from clients.contacts.models import Contact
from clients.engagements.models import Engagement
from clients.invoices.models import Invoice
from clients.records.models import Client
from crm.core.users.models import User
from interactions.log.models import Interaction
from interactions.progress.models import ProgressEmail
from onboarding.choices import PlanState
from onboarding.models import Plan, TemplateVersion
from tools.demo.build import build

pytestmark = pytest.mark.django_db(transaction=True)

PLAIN = (
    "interactions:today",
    "clients:list",
    "clients:contacts",
    "clients:invoices",
    "clients:contracts",
    "clients:renewals",
    "clients:revenue_lines",
    "clients:revenue_by_month",
    "clients:engagements",
    "clients:opportunity_board",
    "clients:opportunity_forecast",
    "clients:documents",
    "clients:segments",
    "clients:segment_new",
    "clients:referrals",
    "clients:covers",
    "clients:merges",
    "interactions:list",
    "interactions:follow-ups",
    "onboarding:plans",
    "onboarding:templates",
    "interactions:progress-emails",
    "interactions:surveys",
    "interactions:survey-invitations",
    "interactions:survey-send",
    "interactions:survey-settings",
    "reports:dashboard",
    "reports:attention",
    "core:outbox",
    "core:coming",
    "core:mail_stopped",
    "core:mail_holds",
    "interactions:delivery-board",
    "core:notifications",
    "core:imports",
    "core:settings",
    "core:history",
    "core:profile",
)
OF_A_CLIENT = (
    "clients:client",
    "clients:revenue",
    "interactions:agreed",
    "interactions:client_progress",
    "interactions:client-surveys",
    "interactions:survey-ask",
    "onboarding:client",
)
KPIS = ("retention",)


HALF = (768, 900, 1024)
PAPER = 688  # A4 less its margins, in CSS pixels
TROUBLE = """() => {
  const found = [];
  if (document.documentElement.scrollWidth > innerWidth) found.push(`page ${document.documentElement.scrollWidth}`);
  for (const box of document.querySelectorAll(".data-table-wrap:has(.cards)")) {
    if (box.scrollWidth > box.clientWidth + 1) found.push(`table ${box.scrollWidth} in ${box.clientWidth}`);
  }
  for (const item of document.querySelectorAll("main :is(p, span, a, td, th, div, li)")) {
    const { width, height } = item.getBoundingClientRect();
    if (!item.childElementCount && width && width < 40 && height > 90 && item.textContent.trim().length > 6) {
      found.push(`letters: ${item.textContent.trim().slice(0, 30)}`);
    }
  }
  return found;
}"""
CONTROLS = (
    ".composer, .sidebar, .page-actions, .tabs, .views, main button:not(.ob-tick):not(.visually-hidden), "
    "main .btn, .toast-region, .follow-up-acts, .col-select"
)


def trouble(page) -> list[str]:
    """What does not fit once the page has settled: the browser may paint a new size a moment later."""
    with suppress(TimeoutError):
        page.wait_for_function(f"() => !({TROUBLE})().length", timeout=2000)
    return page.evaluate(TROUBLE)


def resize(page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")


def addresses() -> list[str]:
    """The main pages, those of one thing with one worth looking at."""
    client = Client.objects.get(name="Saari & Koski Oy")
    plan = Plan.objects.filter(state=PlanState.ACTIVE).earliest("pk")
    things = {
        "clients:invoice": Invoice.objects.filter(client=client).earliest("pk"),
        "clients:engagement": Engagement.objects.earliest("pk"),
        "clients:contact": Contact.objects.earliest("pk"),
        "interactions:detail": Interaction.objects.filter(client=client).latest("pk"),
        "interactions:progress": ProgressEmail.objects.filter(client=client).latest("pk"),
        "onboarding:plan": plan,
        "onboarding:version": TemplateVersion.objects.earliest("pk"),
    }
    return [
        *(reverse(name) for name in PLAIN),
        *(reverse(name, args=[client.pk]) for name in OF_A_CLIENT),
        *(reverse(name, args=[thing.pk]) for name, thing in things.items()),
        reverse("clients:merge", args=[client.pk]),
        reverse("clients:merge_with", args=[client.pk, Client.objects.kept().exclude(pk=client.pk).earliest("pk").pk]),
        *(reverse("reports:kpi", args=[kpi]) for kpi in KPIS),
    ]


def test_the_main_pages_are_accessible_and_quiet(page, live_server, sign_in, assert_accessible):
    build(now=timezone.now(), with_logins=False)
    sign_in(User.objects.get(email__startswith="ines"))
    for address in addresses():
        page.set_viewport_size({"width": 1440, "height": 900})
        page.emulate_media(color_scheme="light")
        answer = page.goto(live_server.url + address)
        assert answer.status == 200, address
        assert page.locator("h1").count() == 1, address
        assert page.locator(".toast").count() == 0, address
        assert_accessible(page)
        for width in HALF:
            resize(page, width)
            assert not trouble(page), f"{address} at {width}"
        assert page.locator(".sidebar").bounding_box()["width"] < 64, "half a window has the side bar as icons"
        look_at_paper(page, address)
        page.emulate_media(media="screen", color_scheme="dark")
        page.set_viewport_size({"width": 320, "height": 700})
        page.reload()
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 320, f"{address} is {wide} px wide on a phone"
        assert_accessible(page)


def look_at_paper(page, address):
    page.emulate_media(media="print")
    resize(page, PAPER)
    assert not trouble(page), f"{address} in print"
    head = page.locator(".print-head").inner_text()
    assert "Northlight Advisory" in head and re.search(r"\d{1,2} \w+ 20\d\d, \d\d:\d\d", head), address
    shown = page.evaluate(
        "(controls) => [...document.querySelectorAll(controls)].find((item) => item.checkVisibility())?.outerHTML",
        CONTROLS,
    )
    assert not shown, f"{address} prints {shown[:200]}"
    table = page.locator(".list-card .data-table.cards").first
    if table.count():
        assert table.locator("thead").evaluate("head => getComputedStyle(head).display") == "table-header-group"
        assert table.bounding_box()["y"] < 500, f"the table of {address} does not begin on the first sheet"
