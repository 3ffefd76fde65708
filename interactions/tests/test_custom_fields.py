"""Custom fields of interactions: the composer, its draft, correction, list, API, file, import, history."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse
from django.utils import timezone

from crm.core.base.errors import ServiceError
from crm.core.base.principals import acting
from crm.core.drafts.models import Draft
from crm.core.fields.custom import services
from crm.core.history.queries import read
from interactions.composer.imports import INTERACTIONS
from interactions.log.models import Interaction
from interactions.log.services import correct_interaction
from tools.testing.factories.clients import make_user
from tools.testing.factories.interactions import log
from tools.testing.importing import as_csv, counts, run

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
HTMX = {"HX-Request": "true"}


@pytest.fixture
def aino(firm):
    return make_user(name="Aino Admin", roles=("admin",))


@pytest.fixture
def web(client, marta):
    client.force_login(marta)
    return client


@pytest.fixture
def fields(aino):
    admin = acting(aino)
    services.create_field(admin, record="interaction", label="Place", kind="choice", options=["Office", "Court"])
    services.create_field(admin, record="interaction", label="Units", kind="number", most="10")
    services.create_field(admin, record="interaction", label="Topics", kind="choices", options=["Tax", "Pay"])


def typed(**more):
    return {
        "channel": "phone",
        "direction": "out",
        "occurred_at": "2026-11-20T10:00",
        "body": "Spoke",
        "visibility": "firm",
        **more,
    }


@pytest.mark.usefixtures("fields")
def test_the_composer_asks_for_them_when_they_are_opened(web, northwind):
    page = web.get(reverse("clients:client", args=[northwind.pk])).content.decode()
    url = reverse("interactions:composer-list", args=[northwind.pk, "fields"])
    assert url in page and 'name="cf_place"' not in page
    assert 'name="cf_place"' in web.get(url, headers=HTMX).content.decode()
    whole = reverse("interactions:log", args=[northwind.pk])
    assert 'name="cf_units"' in web.get(whole).content.decode()
    refused = web.post(whole, typed(cf_units="11", cf_place="court"), headers=HTMX)
    text = refused.content.decode()
    assert refused.status_code == 422 and "10 or less" in text and 'value="11"' in text and "Spoke" in text
    web.post(whole, typed(cf_units="7", cf_place="court", cf_topics=["tax", "pay"]))
    assert Interaction.objects.get().custom == {"units": 7, "place": "court", "topics": ["tax", "pay"]}


@pytest.mark.usefixtures("fields")
def test_a_draft_keeps_them(web, northwind):
    web.post(reverse("interactions:draft", args=[northwind.pk]), typed(cf_units="7", cf_topics=["tax", "pay"]))
    assert Draft.objects.get().data["cf_topics"] == ["tax", "pay"]
    form = web.get(reverse("interactions:log", args=[northwind.pk])).context["form"]
    assert (form["cf_units"].value(), form["cf_topics"].value()) == ("7", ["tax", "pay"])
    assert 'name="cf_units"' in web.get(reverse("clients:client", args=[northwind.pk])).content.decode()


def test_a_required_one_is_there_at_once_and_asked_of_new_ones(web, aino, marta, northwind):
    old = log(actor=marta, client=northwind, body="Before", now=NOW)
    services.create_field(acting(aino), record="interaction", label="Place", kind="text", is_required=True)
    page = web.get(reverse("clients:client", args=[northwind.pk])).content.decode()
    assert 'name="cf_place"' in page and "/log/fields/" not in page
    refused = web.post(reverse("interactions:log", args=[northwind.pk]), typed())
    assert refused.status_code == 422 and "“Place” is required" in refused.content.decode()
    with pytest.raises(ServiceError, match="“Place” is required"):
        log(actor=marta, client=northwind, body="New", now=NOW)
    correct_interaction(acting(marta), interaction=old, now=NOW, body="After")  # older ones can do without
    assert log(actor=marta, client=northwind, body="By the way", now=NOW, is_automatic=True).custom == {}


def test_a_section_may_be_for_one_type_alone(web, aino, northwind):
    admin = acting(aino)
    section = services.create_section(admin, record="interaction", name="Hearing", kind="meeting")
    services.create_field(
        admin, record="interaction", label="Court", kind="text", section=section, is_required=True, hint="Where"
    )
    url = reverse("interactions:log", args=[northwind.pk])
    refused = web.post(url, typed(channel="meeting"))
    assert refused.status_code == 422 and "“Court” is required" in refused.content.decode()
    assert web.post(url, typed()).status_code == 302
    assert web.post(url, typed(channel="meeting", cf_court="Turku")).status_code == 302


@pytest.mark.usefixtures("fields")
def test_correction_page_list_api_file_and_history(web, marta, aino, northwind):
    row = log(actor=marta, client=northwind, body="Spoke", now=NOW, cf_place="office", cf_units=5)
    log(actor=marta, client=northwind, body="Else", now=NOW)
    url = reverse("interactions:correct", args=[row.pk])
    form = web.get(url).context["form"]
    assert form["cf_place"].value() == "office"
    given = typed(cf_place="court", cf_units="5", version=row.version)
    assert web.post(url, given | {"cf_units": "11"}).status_code == 422
    assert web.post(url, given).status_code == 302
    page = web.get(reverse("interactions:detail", args=[row.pk])).content.decode()
    assert "<dt>Place</dt>" in page and "Court" in page
    assert "Office" in page[page.index('id="history"') :]
    api = "/api/v1/interactions/"
    told = web.get(f"{api}{row.pk}/").json()
    assert (told["cf_place"], told["cf_units"]) == ("court", "5")
    answer = web.patch(f"{api}{row.pk}/", {"cf_units": 6}, content_type="application/json")
    assert answer.status_code == 200, answer.content
    assert [each["id"] for each in web.get(f"{api}?cf_place=court").json()["results"]] == [row.pk]
    made = {"client": northwind.pk, "channel": "phone", "body": "By API", "occurred_at": "2026-11-20T09:00:00Z"}
    assert web.post(api, made | {"cf_units": 12}, content_type="application/json").status_code == 400
    assert web.post(api, made | {"cf_units": 2}, content_type="application/json").status_code == 201
    listed = web.get("/interactions/?cf_place=court&columns=cf_place&sort=-cf_units").content.decode()
    assert "Spoke" in listed and "Else" not in listed
    changes = [c for e in read(acting(aino), label="interactions.interaction").entries for c in e.changes]
    assert ("Place", "Office", "Court") in [(c.field, c.before, c.after) for c in changes]


@pytest.mark.usefixtures("fields")
def test_the_export_comes_back_unchanged_and_a_file_changes_them(marta, northwind):
    log(actor=marta, client=northwind, body="Spoke", now=NOW, cf_place="office", cf_units=5)
    text = as_csv(INTERACTIONS.export(acting(marta)))
    assert "Place" in text and "Office" in text
    assert counts(run(marta, "interactions", text.encode(), system="rapport")) == {"unchanged": 1}
    changed = text.replace("Office", "Court").encode()
    assert counts(run(marta, "interactions", changed, system="rapport")) == {"updated": 1}
    assert Interaction.objects.get().custom == {"place": "court", "units": 5}


@pytest.mark.usefixtures("fields")
def test_two_people_who_change_different_ones_both_keep_them(marta, northwind):
    row = log(actor=marta, client=northwind, body="Spoke", now=NOW, cf_place="office", cf_units=5)
    me = acting(marta)
    correct_interaction(me, interaction=row, now=timezone.now(), seen_version=1, cf_place="court")
    correct_interaction(me, interaction=row, now=timezone.now(), seen_version=1, cf_units=6)
    row.refresh_from_db()
    assert row.custom == {"place": "court", "units": 6}


@pytest.mark.usefixtures("fields")
def test_one_is_edited_in_place_on_its_page(web, marta, northwind):
    row = log(actor=marta, client=northwind, body="Hearing", now=NOW, cf_units=5)
    url = reverse("interactions:fact", args=[row.pk, "cf_units"])
    page = web.get(reverse("interactions:detail", args=[row.pk])).text
    assert f'hx-get="{url}"' in page and 'id="fact-cf_place"' in page, "one that is empty can be filled in"
    assert web.get(url).url == reverse("interactions:correct", args=[row.pk])
    form = web.get(url, headers=HTMX).text
    assert 'value="5"' in form and f'name="version" value="{row.version}"' in form
    wrong = web.post(url, {"cf_units": "many", "version": row.version}, headers=HTMX)
    assert wrong.status_code == 422 and 'value="many"' in wrong.text and "field-error" in wrong.text
    saved = web.post(url, {"cf_units": "7", "version": row.version}, headers=HTMX)
    assert (
        saved.status_code == 200
        and "data-announce" in saved.text
        and ">7<" in saved.text.replace("\n", "").replace(" ", "")
    )
    assert web.post(url, {"cf_units": "7", "version": row.version}).url == reverse("interactions:detail", args=[row.pk])
    stale = web.post(url, {"cf_units": "8", "version": row.version}, headers=HTMX)
    assert stale.status_code == 409 and "Someone else changed this" in stale.text
    row.refresh_from_db()
    assert (row.cf_units, row.body) == (7, "Hearing")
    assert web.get(reverse("interactions:fact", args=[row.pk, "body"]), headers=HTMX).status_code == 404


@pytest.mark.usefixtures("fields")
def test_nobody_edits_one_in_place_who_may_not_correct(client, marta, northwind):
    row = log(actor=marta, client=northwind, body="Hearing", now=NOW, cf_units=5)
    client.force_login(make_user(name="Colleague"))
    url = reverse("interactions:fact", args=[row.pk, "cf_units"])
    assert "fact-edit" not in client.get(reverse("interactions:detail", args=[row.pk])).text
    assert client.post(url, {"cf_units": "7"}, headers=HTMX).status_code == 403
