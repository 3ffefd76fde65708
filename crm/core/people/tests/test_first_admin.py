from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from crm.core.firm.models import FirmSettings
from crm.core.users.models import User
from crm.core.work.models import Heartbeat
from tools.testing.factories import core

FORM = {
    "firm_name": "Halden Advisory",
    "time_zone": "Europe/Helsinki",
    "currency": "EUR",
    "holiday_country": "FI",
    "name": "Ines Vaara",
    "email": "ines@halden.example",
    "password1": core.PASSWORD,
    "password2": core.PASSWORD,
}


def first_admin() -> str:
    out = StringIO()
    call_command("first_admin", stdout=out, stderr=out)
    return out.getvalue()


@pytest.fixture
def setup_path(db, monkeypatch):
    monkeypatch.delenv("RAPPORT_ADMIN_EMAIL", raising=False)
    monkeypatch.delenv("RAPPORT_ADMIN_PASSWORD", raising=False)
    return "/setup/" + first_admin().strip().split("/setup/")[1]


def test_the_terminals_code_opens_the_set_up_once(client, setup_path):
    assert client.get(setup_path).url == reverse("core:setup")
    assert client.post(reverse("core:setup"), FORM).url == "/"
    ines, firm = User.objects.get(), FirmSettings.objects.get()
    assert ines.is_admin and client.session["_auth_user_id"] == str(ines.pk)
    assert (firm.name, firm.time_zone, firm.holiday_country, firm.is_set_up) == (
        "Halden Advisory",
        "Europe/Helsinki",
        "FI",
        True,
    )
    client.logout()
    assert client.get(setup_path).status_code == 404


def test_only_a_hash_of_the_code_is_kept(client, setup_path):
    code = setup_path.strip("/").split("/")[1]
    assert code not in Heartbeat.objects.get(name="setup-code").note
    client.get(setup_path)
    assert client.get("/setup/").status_code == 200 and code not in str(dict(client.session))


@pytest.mark.parametrize("path", ["/setup/", "/setup/guess/"])
def test_without_the_code_there_is_no_set_up(client, setup_path, path):
    assert client.get(path).status_code == 404
    assert client.post("/setup/", FORM).status_code == 404
    assert not User.objects.exists()


def test_a_code_ends_after_two_days(client, setup_path):
    Heartbeat.objects.filter(name="setup-code").update(finished_at=timezone.now() - timedelta(days=2, minutes=1))
    assert client.get(setup_path).status_code == 404


def test_a_new_code_ends_the_former(client, setup_path):
    first_admin()
    assert client.get(setup_path).status_code == 404


def test_a_set_up_that_is_refused_keeps_what_was_typed(client, setup_path):
    client.get(setup_path)
    answer = client.post("/setup/", FORM | {"password2": "another one entirely", "email": "ines@"})
    assert answer.status_code == 422 and 'value="Halden Advisory"' in answer.content.decode()
    assert {"email", "password2"} <= {*answer.context["form"].errors}


def test_the_environment_names_the_first_admin(db, monkeypatch):
    monkeypatch.setenv("RAPPORT_ADMIN_EMAIL", "ines@halden.example")
    monkeypatch.setenv("RAPPORT_ADMIN_PASSWORD", core.PASSWORD)
    first_admin()
    assert User.objects.get().check_password(core.PASSWORD)
    assert "already" in first_admin()


@pytest.mark.parametrize(
    ("email", "password", "variable"),
    [
        ("ines", core.PASSWORD, "RAPPORT_ADMIN_EMAIL"),
        ("ines@halden.example", "short", "RAPPORT_ADMIN_PASSWORD"),
        ("ines@halden.example", "", "RAPPORT_ADMIN_PASSWORD"),
    ],
)
def test_a_wrong_variable_is_named(db, monkeypatch, email, password, variable):
    monkeypatch.setenv("RAPPORT_ADMIN_EMAIL", email)
    monkeypatch.setenv("RAPPORT_ADMIN_PASSWORD", password)
    with pytest.raises(CommandError, match=variable):
        first_admin()
    assert not User.objects.exists()


def test_a_token_is_made_in_the_terminal(marta, client):
    out = StringIO()
    call_command("create_token", marta.email.upper(), "--name", "Books", "--days", "5", "--read-only", stdout=out)
    assert client.get("/api/schema/", headers={"Authorization": f"Token {out.getvalue().strip()}"}).status_code == 200
    with pytest.raises(CommandError, match="nobody@"):
        call_command("create_token", "nobody@halden.example")


@pytest.mark.parametrize(("language", "currency", "country"), [("de-CH,de;q=0.9", "CHF", "CH"), ("en", "EUR", "")])
def test_the_set_up_begins_with_what_the_browser_knows(client, setup_path, language, currency, country):
    client.get(setup_path)
    form = client.get(reverse("core:setup"), headers={"accept-language": language}).context["form"]
    assert (form["currency"].value(), form["holiday_country"].value() or "") == (currency, country)
    assert "data-browser-zone" in str(form["time_zone"])
    refused = client.post(reverse("core:setup"), FORM | {"firm_name": ""}).context["form"]
    assert "data-browser-zone" not in str(refused["time_zone"])
