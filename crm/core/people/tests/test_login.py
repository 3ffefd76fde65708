import re

import pytest
from allauth.account import app_settings as account_settings
from django.apps import apps
from django.core.cache import cache
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from crm.core.base.principals import acting
from crm.core.mail.models import OutboxMail
from crm.core.people.services import colleagues
from tools.testing.factories import core

LOGIN = "/accounts/login/"
RESET = "/accounts/password/reset/"


@pytest.fixture
def marta(firm):
    return core.make_person(name="Marta Kesti", password=core.PASSWORD)


@pytest.fixture(autouse=True)
def no_former_attempts():
    cache.clear()


def enter(email, password):
    browser = Browser()
    return browser, browser.post(LOGIN, {"login": email, "password": password})


def errors(answer):
    return list(answer.context["form"].non_field_errors())


def test_the_right_password_lets_in(marta):
    browser, answer = enter("MARTA.kesti@halden.example", core.PASSWORD)
    assert answer.status_code == 302 and browser.session["_auth_user_id"] == str(marta.pk)


def test_unknown_and_wrong_say_the_same(marta):
    unknown, wrong = enter("nobody@halden.example", "x")[1], enter(marta.email, "x")[1]
    assert errors(unknown) == errors(wrong) != []


def test_a_disabled_user_is_not_let_in_and_not_told_apart(marta, ines):
    colleagues.disable_user(acting(ines), user=marta, now=timezone.now())
    browser, answer = enter(marta.email, core.PASSWORD)
    assert "_auth_user_id" not in browser.session
    assert "nobody" not in (answer.content.decode() if answer.status_code == 200 else "")


def test_too_many_wrong_passwords_are_stopped(marta):
    limit = int(re.match(r"\d+", account_settings.RATE_LIMITS["login_failed"])[0])
    for _ in range(limit):
        enter(marta.email, "wrong")
    browser, _answer = enter(marta.email, core.PASSWORD)
    assert "_auth_user_id" not in browser.session


def test_nobody_signs_up(firm):
    assert Browser().get("/accounts/signup/").status_code == 404


def test_a_forgotten_password_is_set_anew(marta):
    browser, (token, _clear) = Browser(), core.make_token(user=marta)
    elsewhere = Browser()
    elsewhere.force_login(marta)
    browser.post(RESET, {"email": marta.email})
    path = core.path_in(OutboxMail.objects.get(user=marta))
    page = browser.get(path, follow=True)
    where = page.redirect_chain[-1][0]
    assert "." not in where.rsplit("/", 2)[1]  # the secret has left the address
    new = "a sentence nobody guesses"
    assert browser.post(where, {"password1": new, "password2": new}).status_code == 302
    marta.refresh_from_db()
    assert marta.check_password(new)
    token.refresh_from_db()
    assert token.revoked_at is not None, (
        "the reset revokes API tokens: someone else with the old password may have created one"
    )
    assert elsewhere.get("/today/").status_code == 302
    assert Browser().get(path, follow=True).status_code == 200
    again = Browser().get(path)
    assert b"set-password" not in again.headers.get("Location", "").encode()  # used up


def test_the_link_never_follows_the_host_header(marta, settings):
    settings.ALLOWED_HOSTS = ["*"]
    Browser(headers={"host": "evil.example"}).post(RESET, {"email": marta.email})
    mail = OutboxMail.objects.get(user=marta)
    assert "evil" not in f"{mail.text}{mail.html}{mail.links}"
    assert core.real_links(mail.links)["[[link]]"].startswith(settings.BASE_URL + "/accounts/password/reset/key/")


def test_the_mail_at_rest_holds_no_link(marta, ines, client):
    Browser().post(RESET, {"email": marta.email})
    mail = OutboxMail.objects.get(user=marta)
    secret = core.path_in(mail).rsplit(".", 1)[1].strip("/")
    assert secret not in str(mail.__dict__)
    client.force_login(marta)
    page = client.get(reverse("core:outbox_mail", args=[mail.pk])).content.decode()
    assert secret not in page and "reset/key" not in page


def test_a_reset_link_ends_with_the_password_and_after_three_hours(marta, time_machine):
    time_machine.move_to(timezone.now())
    Browser().post(RESET, {"email": marta.email})
    path = core.path_in(OutboxMail.objects.get(user=marta))
    assert "set-password" in Browser().get(path).headers.get("Location", "")
    time_machine.shift(3 * 3600 + 5)
    assert "set-password" not in Browser().get(path).headers.get("Location", "")
    time_machine.shift(-3 * 3600)
    marta.set_password("changed meanwhile, really")
    marta.save()
    assert "set-password" not in Browser().get(path).headers.get("Location", "")


def test_every_page_for_a_new_password_says_the_rule_once(marta):
    guest, mine = Browser(), Browser()
    mine.force_login(marta)  # first: a reset link ends with the next login
    guest.post(RESET, {"email": marta.email})
    reset = guest.get(guest.get(core.path_in(OutboxMail.objects.get(user=marta))).headers["Location"]).content.decode()
    change = mine.get("/accounts/password/change/").content.decode()
    for page in (reset, change):
        assert page.count("At least 10 characters") == 1 and "commonly used" not in page


@pytest.mark.parametrize("path", ["1-abc", "1-zz.deadbeef", "zzzzzz-1.1", "1-%00"])
def test_a_reset_link_of_nonsense_opens_nothing(firm, path):
    answer = Browser().get(f"/accounts/password/reset/key/{path}/")
    assert answer.status_code in (200, 404) and "set-password" not in answer.headers.get("Location", "")


def test_an_unknown_address_gets_no_mail_and_the_same_answer(marta):
    known, unknown = (
        Browser().post(RESET, {"email": marta.email}),
        Browser().post(RESET, {"email": "nobody@halden.example"}),
    )
    assert (known.status_code, known.headers.get("Location")) == (unknown.status_code, unknown.headers.get("Location"))
    assert OutboxMail.objects.count() == 1


@pytest.mark.parametrize(
    ("behind", "named", "written"),
    [
        (True, "203.0.113.7", "203.0.113.7"),
        (True, "198.51.100.1, 203.0.113.7", "203.0.113.7"),  # what the caller wrote there before the proxy did
        (True, "somewhere", "127.0.0.1"),
        (False, "203.0.113.7", "127.0.0.1"),
    ],
)
def test_history_names_the_caller_and_not_the_proxy(marta, settings, behind, named, written):
    settings.BEHIND_PROXY = behind
    browser = Browser(headers={"X-Forwarded-For": named})
    browser.force_login(marta)
    assert browser.post("/profile/theme/", {"theme": "dark"}).status_code < 400
    event = apps.get_model("core.UserEvent").objects.filter(pgh_obj_id=marta.pk).latest("pgh_id")
    assert event.pgh_context.metadata["ip"] == written


def enter_from(address, email, password, browser=None):
    browser = browser or Browser()
    answer = browser.post(LOGIN, {"login": email, "password": password}, REMOTE_ADDR=address)
    return browser, answer.status_code == 302


def test_a_stranger_locks_out_nobody_elsewhere(marta):
    for _attempt in range(8):
        enter_from("203.0.113.7", marta.email, "wrong")
    assert not enter_from("203.0.113.99", marta.email, core.PASSWORD)[1], "the same network"
    assert enter_from("198.51.100.4", marta.email, core.PASSWORD)[1]


def test_a_known_device_gets_in_though_its_network_is_locked_out(marta):
    own, is_in = enter_from("203.0.113.50", marta.email, core.PASSWORD)
    assert is_in
    own.post("/accounts/logout/")
    for _attempt in range(8):
        enter_from("203.0.113.7", marta.email, "wrong")
    assert enter_from("203.0.113.50", marta.email, core.PASSWORD, own)[1]


def test_a_known_device_may_not_guess_without_end_either(marta):
    own, _is_in = enter_from("203.0.113.50", marta.email, core.PASSWORD)
    own.post("/accounts/logout/")
    for _attempt in range(5):
        enter_from("203.0.113.50", marta.email, "wrong", own)
    assert not enter_from("203.0.113.50", marta.email, core.PASSWORD, own)[1]
