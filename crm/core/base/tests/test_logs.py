"""One line a request, at the level that was asked for, and nothing in it that opens anything."""

import logging

import pytest

from crm.core.base.logs import MaskSecrets
from tools.testing.factories.core import make_firm, make_person

TOKEN = "a" * 64


@pytest.mark.django_db
def test_a_request_is_one_line_with_who_and_what(client, caplog, capfd):
    make_firm()
    marta = make_person(name="Marta Kallio")
    client.force_login(marta)
    with caplog.at_level(logging.INFO):
        client.get("/clients/?q=acme")
    lines = [record.getMessage() for record in caplog.records if "django_structlog" in record.name]
    assert len(lines) == 1, lines
    assert lines[0].startswith("GET /clients/?q 200 ") and f"user={marta.pk}" in lines[0]
    assert capfd.readouterr().out == ""


@pytest.mark.django_db
def test_a_quieter_level_is_kept_to(client, caplog):
    make_firm()
    with caplog.at_level(logging.WARNING):
        client.get("/accounts/login/")
    assert not [record for record in caplog.records if "django_structlog" in record.name]


@pytest.mark.parametrize(
    "path",
    [f"/join/3/{TOKEN}/", f"/mail/stop/12/{TOKEN}/", "/setup/" + TOKEN, f"/accounts/password/reset/key/3-abc.{TOKEN}/"],
)
def test_links_that_open_something_are_not_written_down(path):
    record = logging.LogRecord("django.request", logging.WARNING, "", 1, "%s: %s", ("Not Found", path), None)
    MaskSecrets().filter(record)
    assert TOKEN not in record.getMessage() and record.getMessage().endswith(("…/", "…"))
