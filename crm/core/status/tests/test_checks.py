import logging

import pytest
from django.core.management import call_command

from crm.core.base import logs
from crm.core.base.principals import SYSTEM
from crm.core.files.services import store_bytes
from crm.core.status import checks


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("EMAIL_URL", "smtp://crm:secret@mail.firm.example:25", "EMAIL_URL sends the password to mail.firm.example"),
        ("MAIL_JOURNAL_URL", "imap://j:secret@mail.firm.example", "MAIL_JOURNAL_URL sends the password"),
    ],
)
def test_a_password_in_clear_is_named(settings, name, value, said):
    setattr(settings, name, value)
    (text,) = checks.dangers()
    assert said in text and "secret" not in text


@pytest.mark.parametrize(
    "value", ["smtp://mail.firm.example", "smtp+tls://u:p@mail.firm.example", "smtp://u:p@127.0.0.1"]
)
def test_what_is_safe_is_not(settings, value):
    settings.EMAIL_URL = value
    assert not list(checks.dangers())


def test_http_with_a_real_host_is_named(settings):
    settings.IS_LOOPBACK, settings.BASE_URL = False, "http://crm.firm.example"
    assert "in clear" in next(checks.dangers())
    with pytest.raises(Exception, match="in clear"):
        call_command("check", "--deploy", "--fail-level", "WARNING")


def test_the_role_of_the_application_is_no_danger(db):
    assert not list(checks.role_dangers())


@pytest.mark.as_owner
def test_the_owner_is(db):
    assert "may change history" in next(checks.role_dangers())


def test_the_log_has_the_names_of_parameters_only():
    line = logs.one_line(
        logging.getLogger("x"),
        "info",
        {"event": "request_finished", "request": "GET /clients/?q=Fjord%20Energy&page=2&x", "code": 200},
    )
    assert line == "GET /clients/?q&page&x 200"


def test_uploaded_files_are_for_their_owner_only(db, settings):
    stored = store_bytes(SYSTEM, name="a.txt", data=b"x", content_type="text/plain")
    path = settings.FILES_DIR / stored.path
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
