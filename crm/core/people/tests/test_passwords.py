from contextlib import contextmanager
from io import StringIO
from unittest.mock import patch

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, identify_hasher, make_password
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client as Browser

from crm.core.base.principals import acting
from crm.core.people.passwords import OLD, Argon2
from crm.core.people.services.api_tokens import create_api_token
from crm.core.users.models import ApiToken, User
from tools.testing.factories import core


@pytest.fixture(autouse=True)
def no_former_attempts():
    cache.clear()


def enter(email, password):
    browser = Browser()
    browser.post("/accounts/login/", {"login": email, "password": password})
    return "_auth_user_id" in browser.session


def make_old(user):
    User.objects.filter(pk=user.pk).update(password=make_password(core.PASSWORD, hasher=OLD))


@contextmanager
def counted():
    """{algorithm: how often it worked} while inside; the work itself is done."""
    worked = dict.fromkeys((OLD, "argon2"), 0)

    def counting(hasher, name):
        real = getattr(hasher, name)

        def count(self, *arguments, **named):
            worked[self.algorithm] += 1
            return real(self, *arguments, **named)

        return patch.object(hasher, name, count)

    with counting(PBKDF2PasswordHasher, "encode"), counting(Argon2, "encode"), counting(Argon2, "verify"):
        yield worked


def test_a_new_password_is_hashed_by_argon2(firm):
    marta = core.make_person(name="Marta Kesti", password=core.PASSWORD)
    assert "$argon2id$v=19$m=19456,t=2,p=1$" in marta.password


def test_an_old_hash_logs_in_and_is_replaced(firm):
    marta = core.make_person(name="Marta Kesti", password=core.PASSWORD)
    make_old(marta)
    assert enter(marta.email, core.PASSWORD)
    marta.refresh_from_db()
    assert identify_hasher(marta.password).algorithm == "argon2" and marta.check_password(core.PASSWORD)


def test_a_failed_login_takes_the_same_work_for_everybody(firm):
    marta = core.make_person(name="Marta Kesti", password=core.PASSWORD)
    jonas = core.make_person(name="Jonas Berg", password=core.PASSWORD)
    guest = core.make_person(name="Priya Raman")
    tried = (marta.email, jonas.email, guest.email, "nobody@halden.example")

    def work():
        done = []
        for email in tried:
            with counted() as worked:
                assert not enter(email, "a wrong password")
            done.append(worked)
        return done

    assert work() == [{OLD: 0, "argon2": 1}] * 4
    make_old(jonas)
    assert work() == [{OLD: 1, "argon2": 1}] * 4


def test_a_password_set_in_the_terminal_ends_sessions_and_tokens(client, marta, monkeypatch):
    client.force_login(marta)
    create_api_token(acting(marta), user=marta, name="Script")
    said = StringIO()
    monkeypatch.setattr("getpass.getpass", lambda prompt: "as new as can be 27")
    call_command("changepassword", marta.email, stdout=said)
    assert "API tokens revoked: 1." in said.getvalue()
    assert not ApiToken.objects.filter(user=marta, revoked_at=None).exists()
    assert client.get("/profile/").status_code == 302
    assert enter(marta.email, "as new as can be 27")
