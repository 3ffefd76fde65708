"""The panels of a client's page at their own addresses."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse

from clients import registry

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def web(client, marta):
    client.force_login(marta)
    return client


def address(northwind, key):
    return reverse("clients:panel", args=[northwind.pk, key])


def test_what_stands_above_the_fold_comes_with_the_page(web, northwind):
    page = web.get(northwind.get_absolute_url()).content.decode()
    assert "None yet. A short weekly email" in page and "No next step." in page


def test_a_late_panel_is_a_link_until_it_is_seen(web, northwind):
    page, url = web.get(northwind.get_absolute_url()).content.decode(), address(northwind, "status")
    assert f'hx-get="{url}" hx-trigger="revealed"' in page and f'href="{url}"' in page
    assert 'id="status-history"' not in page
    assert 'id="status-history"' in web.get(url, **HTMX).content.decode()


def test_htmx_gets_the_panel_alone(web, northwind):
    piece = web.get(address(northwind, "progress"), **HTMX).content.decode()
    assert "None yet. A short weekly email" in piece and "<html" not in piece


@pytest.mark.parametrize("key", [panel.key for panel in registry.panels])
def test_every_panel_has_a_page_without_javascript(web, northwind, key):
    answer = web.get(address(northwind, key))
    assert (
        answer.status_code == 200 and "<html" in answer.content.decode() and northwind.name in answer.content.decode()
    )


def test_every_late_panel_has_a_title_for_its_link():
    assert all(panel.title for panel in registry.panels if panel.is_late)


def test_a_panel_with_nothing_to_show_takes_itself_away(web, northwind):
    answer = web.get(address(northwind, "promises"), **HTMX)
    assert answer.status_code == 200 and not answer.content


def test_an_unknown_panel_is_not_found(web, northwind):
    assert web.get(address(northwind, "nonsense")).status_code == 404


def test_a_panel_of_a_client_that_is_not_seen_is_not_found(web, otto, factories):
    secret = factories.make_client(owner=otto, name="Secret Oy", is_restricted=True)
    assert web.get(address(secret, "follow-ups"), **HTMX).status_code == 404


def test_every_panel_that_is_declared_stands_in_a_module_that_hooks_load():
    """A decorator in a module that nobody imports would register nothing, and nobody would be told."""
    files = (
        path for app in ("clients", "interactions", "onboarding") for path in Path(settings.BASE_DIR, app).rglob("*.py")
    )
    declared = {
        key for path in files for key in re.findall(r'^@(?:registry\.)?panel\(\s*"([^"]+)"', path.read_text(), re.M)
    }
    assert len(declared) > 5 and declared == {panel.key for panel in registry.panels}
