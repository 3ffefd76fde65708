"""The firm's own fields of engagements and opportunities, edited in place on their pages."""

from datetime import UTC, date, datetime

import pytest
from django.urls import reverse
from django.utils import timezone

from clients.engagements.services.records import archive_engagement, update_engagement
from clients.opportunities.services.records import create_opportunity
from crm.core.base.principals import SYSTEM, acting
from crm.core.fields.custom import services
from tools.testing.factories.clients import make_client
from tools.testing.factories.engagements import make_engagement

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
HTMX = {"HX-Request": "true"}


@pytest.fixture
def web(client, marta):
    client.force_login(marta)
    return client


@pytest.fixture
def mill(marta):
    for record in ("engagement", "opportunity"):
        services.create_field(SYSTEM, record=record, label="Court", kind="text")
        services.create_field(SYSTEM, record=record, label="Units", kind="number", most="10")
    return make_engagement(actor=marta, client=make_client(owner=marta), now=NOW)


def test_one_of_an_engagement(web, marta, mill):
    url, page = reverse("clients:engagement_fact", args=[mill.pk, "cf_units"]), mill.get_absolute_url()
    assert f'hx-get="{url}"' in web.get(page).text
    assert web.get(url).url == reverse("clients:engagement_edit", args=[mill.pk])
    wrong = web.post(url, {"cf_units": "11", "version": mill.version}, headers=HTMX)
    assert wrong.status_code == 422 and "10 or less" in wrong.text and 'value="11"' in wrong.text
    saved = web.post(url, {"cf_units": "7", "version": mill.version}, headers=HTMX)
    assert saved.status_code == 200 and "data-announce" in saved.text
    update_engagement(acting(marta), engagement=mill, cf_court="Helsinki")
    stale = web.post(url, {"cf_units": "8", "version": mill.version}, headers=HTMX)
    assert stale.status_code == 409 and "Someone else changed this" in stale.text
    mill.refresh_from_db()
    assert (mill.cf_units, mill.cf_court) == (7, "Helsinki")
    cancelled = web.get(f"{url}?as=value", headers=HTMX).text
    assert "<form" not in cancelled and "7" in cancelled


def test_one_of_an_archived_engagement_is_only_read(web, marta, mill):
    update_engagement(acting(marta), engagement=mill, cf_units=5)
    archive_engagement(acting(marta), engagement=mill, now=NOW)
    assert "fact-edit" not in web.get(mill.get_absolute_url()).text
    url = reverse("clients:engagement_fact", args=[mill.pk, "cf_units"])
    assert web.post(url, {"cf_units": "7"}, headers=HTMX).status_code == 403


@pytest.mark.usefixtures("mill")
def test_one_of_an_opportunity(web, marta):
    given = {"title": "More", "expected_close": date(2027, 1, 1), "now": timezone.now()}
    row = create_opportunity(acting(marta), client=make_client(owner=marta), **given)
    url = reverse("clients:opportunity_fact", args=[row.pk, "cf_units"])
    assert f'hx-get="{url}"' in web.get(row.get_absolute_url()).text
    saved = web.post(url, {"cf_units": "7", "version": row.version}, headers=HTMX)
    assert saved.status_code == 200 and "opportunity-figures" in saved.text
    row.refresh_from_db()
    assert row.cf_units == 7
