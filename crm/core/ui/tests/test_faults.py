"""Pages of errors: within the layout for who is signed in, plain for everybody else, and never failing themselves."""

import re

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.db import connection
from django.test import Client as Browser
from django.test import RequestFactory

from crm.core.ui.views import faults
from tools.testing.factories import clients as make

MISSING, NO_RIGHT = "/nowhere/", "/onboarding/templates/new/"


@pytest.fixture
def firm(db):
    return make.make_firm()


@pytest.fixture
def marta(firm):
    return make.make_user(name="Marta Kallio")


@pytest.fixture
def signed_in(marta):
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(marta)
    return browser


def page_of(answer):
    """The page without what differs for each request."""
    return re.sub(r'(csrf-token" content|csrfmiddlewaretoken" value)="[^"]*"', r'\1=""', answer.content.decode())


@pytest.mark.parametrize(
    ("method", "url", "status", "title"),
    [
        ("get", MISSING, 404, "Page not found"),
        ("get", NO_RIGHT, 403, "No permission"),
        ("post", "/profile/theme/", 403, "This page has expired"),
        ("get", "/profile/theme/", 405, "Nothing to show here"),
    ],
)
def test_who_is_signed_in_keeps_the_navigation(signed_in, method, url, status, title):
    answer = getattr(signed_in, method)(url)
    page = answer.content.decode()
    assert (answer.status_code, f"{title}</h1>" in re.sub(r"\s+<", "<", page)) == (status, True)
    assert 'class="sidebar"' in page and 'role="search"' in page and "Marta Kallio" in page


def test_everybody_else_gets_the_plain_page(firm):
    answer = Browser().get(MISSING)
    page = answer.content.decode()
    assert answer.status_code == 404 and "Page not found" in page
    assert "sidebar" not in page and "/search/" not in page


def test_a_fragment_is_answered_without_the_layout(signed_in):
    answer = signed_in.get(MISSING, headers={"HX-Request": "true"})
    assert answer.status_code == 404 and "sidebar" not in answer.content.decode()


def test_what_is_not_seen_and_what_is_not_there_are_the_same_page(signed_in, firm):
    make.make_firm(account_managers_see="own")
    foreign = make.make_client(owner=make.make_user(name="Otto Berg"), name="Blue Harbour")
    seen = [signed_in.get(f"/clients/{pk}/") for pk in (foreign.pk, 987654321)]
    assert [answer.status_code for answer in seen] == [404, 404]
    without_clock = [re.sub(r", \d\d:\d\d ·", "", page_of(answer)) for answer in seen]  # printed at the foot
    assert without_clock[0] == without_clock[1]


@pytest.fixture
def no_database(transactional_db, request):
    """Gives a function after which nobody listens where the database was."""
    port = connection.settings_dict["PORT"]

    def cut():
        connection.close()
        connection.settings_dict["PORT"] = "1"

    yield cut
    connection.close()
    connection.settings_dict["PORT"] = port


@pytest.mark.parametrize(
    ("view", "status"), [("unreadable", 400), ("forbidden", 403), ("not_found", 404), ("expired", 403)]
)
@pytest.mark.parametrize("is_signed_in", [True, False])
def test_no_page_of_an_error_needs_the_database(no_database, view, status, is_signed_in):
    make.make_firm()
    request = RequestFactory().get(MISSING)
    request.user = make.make_user(name="Marta Kallio") if is_signed_in else AnonymousUser()
    no_database()
    answer = getattr(faults, view)(request)
    assert answer.status_code == status and "</h1>" in answer.content.decode()


def test_a_request_that_was_refused_before_anybody_was_known(firm):
    answer = faults.unreadable(RequestFactory().get(MISSING))
    assert answer.status_code == 400 and "could not be read" in answer.content.decode()


def test_a_page_for_a_missing_method_says_which_there_are(signed_in):
    answer = signed_in.get("/profile/theme/")
    assert answer.headers["Allow"] == "POST"


def test_too_many_sign_ins_get_a_page_of_ours(firm):
    cache.clear()
    answers = [
        Browser().post("/accounts/password/reset/", {"email": "nobody@halden.example"}) for _attempt in range(30)
    ]
    last = answers[-1]
    assert (
        last.status_code == 429 and "Wait a few minutes" in last.content.decode() and "plain" in last.content.decode()
    )
    cache.clear()
