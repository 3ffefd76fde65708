import pytest
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from crm.core.users.models import ApiToken
from tools.testing.factories import core


@pytest.fixture
def mine(client, marta):
    client.force_login(marta)
    return client


def test_the_profile_is_changed(mine, marta):
    data = {"name": "Marta Kesti-Lund", "title": "Partner", "time_zone": "Asia/Tokyo", "theme": "dark"}
    assert mine.post(reverse("core:profile"), data).status_code == 302
    marta.refresh_from_db()
    assert (marta.name, marta.title, marta.time_zone, marta.theme, marta.has_shortcuts) == (
        "Marta Kesti-Lund",
        "Partner",
        "Asia/Tokyo",
        "dark",
        False,
    )
    page = mine.get(reverse("core:profile")).content.decode()
    assert 'data-bs-theme="dark"' in page and 'data-shortcuts="off"' in page


def test_nobody_gives_themselves_a_role(mine, marta):
    mine.post(reverse("core:profile"), {"name": "Marta", "theme": "dark", "roles": ["admin"], "is_active": "1"})
    marta.refresh_from_db()
    assert marta.roles == ["account_manager"]


def test_a_profile_that_is_refused_keeps_what_was_typed(mine, marta):
    answer = mine.post(
        reverse("core:profile"), {"name": "", "title": "Partner", "time_zone": "Nowhere", "theme": "pink"}
    )
    assert answer.status_code == 422 and 'value="Partner"' in answer.content.decode()
    assert {"name", "time_zone", "theme"} <= {*answer.context["form"].errors}


def test_the_quick_toggle_goes_back_to_its_page(mine, marta):
    here = {"headers": {"Referer": "http://testserver/search/?q=a"}}
    assert mine.post(reverse("core:set_theme"), {"theme": "light"}, **here).url == "/search/?q=a"
    marta.refresh_from_db()
    assert marta.theme == "light"


@pytest.mark.parametrize("before", ["http://evil.example/x", "http://testserver//evil.example", ""])
def test_the_quick_toggle_goes_nowhere_else(mine, before):
    assert mine.post(reverse("core:set_theme"), {"theme": "light"}, headers={"Referer": before}).url == reverse(
        "core:profile"
    )


def test_a_token_is_shown_once_and_only_its_hash_is_kept(mine, marta):
    page = mine.post(reverse("core:api_tokens"), {"name": "Books", "days": "30", "is_read_only": "on"})
    clear = page.context["clear"]
    token = ApiToken.objects.get(user=marta)
    assert clear in page.content.decode() and clear not in mine.get(reverse("core:api_tokens")).content.decode()
    assert clear not in str(token.__dict__) and token.is_read_only and token.expires_at
    assert Browser().get("/api/schema/", headers={"Authorization": f"Token {clear}"}).status_code == 200


def test_a_revoked_token_opens_nothing(mine, marta):
    token, clear = core.make_token(user=marta)
    mine.post(reverse("core:api_token_revoke", args=[token.pk]))
    assert Browser().get("/api/schema/", headers={"Authorization": f"Token {clear}"}).status_code == 401


def test_an_expired_token_opens_nothing(marta):
    _token, clear = core.make_token(user=marta, expires_at=timezone.now())
    assert Browser().get("/api/schema/", headers={"Authorization": f"Token {clear}"}).status_code == 401


def test_somebody_elses_token_is_not_there(mine, oskar):
    token, _clear = core.make_token(user=oskar)
    assert mine.post(reverse("core:api_token_revoke", args=[token.pk])).status_code == 404
    token.refresh_from_db()
    assert token.revoked_at is None


def test_signing_out_everywhere_else_keeps_this_session(mine, marta):
    elsewhere = Browser()
    elsewhere.force_login(marta)
    mine.post(reverse("core:end_sessions"))
    assert elsewhere.get(reverse("core:profile")).status_code == 302
    assert mine.get(reverse("core:profile")).status_code == 200


def test_signing_out_everywhere_ends_the_tokens_too(mine, marta, oskar):
    token, _clear = core.make_token(user=marta)
    other, _clear = core.make_token(user=oskar)
    page = mine.post(reverse("core:end_sessions"), follow=True)
    assert "1 API token was revoked." in page.content.decode()
    token.refresh_from_db()
    other.refresh_from_db()
    assert token.revoked_at is not None and other.revoked_at is None


def test_a_new_password_ends_the_tokens(mine, marta):
    marta.set_password(core.PASSWORD)
    marta.save()
    mine.force_login(marta)
    token, _clear = core.make_token(user=marta)
    new = core.PASSWORD + " and more"
    done = mine.post("/accounts/password/change/", {"oldpassword": core.PASSWORD, "password1": new, "password2": new})
    assert done.status_code == 302, done.content
    token.refresh_from_db()
    assert token.revoked_at is not None
