"""No page, file or list of the API that is about many clients names a restricted one to somebody who does not see it."""

import io
import json
from urllib.parse import urlencode

import pytest
from django.urls import reverse
from openpyxl import load_workbook

from crm.core.listing.pages import list_pages
from tools.testing import access

pytestmark = pytest.mark.django_db
NAME = "Client restricted"  # the stranger's, as tools/testing/access.py makes it
LIFTED_AT = "clients:restricted"  # where admins read their names, to lift a restriction nobody is left to lift
WHO = ("owner", "mate", "manager", "admin")
WITHOUT_OBJECT = [row for row in access.all_rows() if row.get is not None and not row.about and not row.always]
PAGES = [row for row in WITHOUT_OBJECT if not row.is_api]
API = [row for row in WITHOUT_OBJECT if row.is_api and row.url.endswith("-list")]
# What a list shows by itself is one's own, open or of this week; these filters show everything there is.
EVERYTHING = (
    {"who": "all", "show": "open"},
    {"whose": "all", "show": "open"},
    {"whose": "all"},
    {"state": "all"},
    {"show": "sent"},
)


def bodies(answer) -> str:
    """The text of an answer: of a workbook its cells."""
    data = b"".join(answer.streaming_content) if answer.streaming else answer.content
    if "spreadsheetml" not in answer["Content-Type"]:
        return data.decode(errors="replace")
    return "\n".join(str(row) for row in load_workbook(io.BytesIO(data)).active.iter_rows(values_only=True))


def read(scene, who, url) -> str:
    answer = scene.browser(who).get(url)
    assert answer.status_code < 500, url
    return bodies(answer)


def urls_of(row, scene):
    return scene.addresses(row, "any")


@pytest.mark.parametrize("who", WHO)
def test_no_page_names_a_client_out_of_sight(scene, who):
    found = {row.url for row in PAGES for url in urls_of(row, scene) if NAME in read(scene, who, url)}
    assert found == ({LIFTED_AT} if who == "admin" else set())


def lists_of(scene):
    """(address of a list, address of its file) of each list page that is about no single object."""
    known = {row.url: row for row in PAGES}
    for declared in list_pages:
        if declared.url_name in known:
            (url,) = urls_of(known[declared.url_name], scene)
            (file,) = urls_of(known[f"{declared.url_name}-export"], scene) if declared.file_name else ("",)
            yield declared, url, file


def asked(scene):
    """The files with each choice of filters that the list has; the pages are read above as they stand."""
    for declared, url, file in lists_of(scene):
        wanted = [query for query in EVERYTHING if query.keys() <= declared.filters.base_filters.keys()] or [{}]
        for query in wanted:
            yield f"{file or url}?{urlencode(query | ({'as': 'csv'} if file else {}))}"
        if file:
            yield f"{file}?{urlencode(wanted[0] | {'as': 'xlsx'})}"


@pytest.mark.parametrize("who", WHO)
def test_no_list_and_no_file_holds_a_client_out_of_sight(scene, who):
    assert [url for url in asked(scene) if NAME in read(scene, who, url)] == []


def test_who_sees_it_finds_it_in_pages_lists_and_files(scene):
    """Else the tests above would find nothing because there is nothing."""
    found = [url for url in asked(scene) if NAME in read(scene, "stranger", url)]
    assert {url.split("?")[0] for url in found} >= {
        reverse(name)
        for name in (
            "clients:list-export",
            "clients:contacts-export",
            "interactions:list-export",
            "interactions:follow-ups-export",
            "interactions:surveys-export",
            "onboarding:plans-export",
            "onboarding:tasks-export",
        )
    }


def rows_in(scene, who, url):
    answer = scene.browser(who).get(url)
    assert answer.status_code < 500, url
    return answer.json().get("results", []) if answer.status_code == 200 else []


def is_about(row, pk) -> bool:
    return row.get("client") == pk or row.get("name") == NAME or NAME in json.dumps(row)


def test_no_list_of_the_api_holds_a_client_out_of_sight(scene):
    pk, seen = scene.clients["restricted"].pk, set()
    for row in API:
        for url in urls_of(row, scene):
            full = f"{url}?page_size=200"
            seen |= {row.url for found in rows_in(scene, "stranger", full) if is_about(found, pk)}
            for who in WHO:
                assert [found for found in rows_in(scene, who, full) if is_about(found, pk)] == [], (url, who)
    assert len(seen) > 6
