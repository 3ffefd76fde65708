"""Cursors are addresses: people cut them off, keep them from another sort, or make them up."""

import json
from base64 import urlsafe_b64encode

import pytest

from clients.records.models import Client
from crm.core.listing.paging import BadCursor, Sort, paginate
from tools.testing.factories.clients import make_client, make_firm, make_user

pytestmark = pytest.mark.django_db
SORTS = [
    Sort("name_key"),
    Sort("created_at", descending=True),
    Sort("facts__next_step_at", nullable=True, pk="facts__client"),
    Sort("facts__nps_score", nullable=True, pk="facts__client"),
    Sort("facts__revenue_12m", pk="facts__client"),
]


def made_up(*parts):
    return urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


@pytest.mark.parametrize("sort", SORTS, ids=lambda sort: sort.field)
@pytest.mark.parametrize(
    "parts", [("f", "\0", 1), ("f", {"a": 1}, 1), ("f", [1], 1), ("b", "\ud800", 1), ("f", "x", 10**30), ("f", "x", -1)]
)
def test_a_made_up_cursor_is_refused(sort, parts):
    with pytest.raises(BadCursor):
        paginate(Client.objects.all(), sort=sort, cursor=made_up(*parts))


def test_a_cursor_kept_from_another_sort_opens_the_first_page(client):
    make_firm()
    user = make_user()
    make_client(owner=user)
    client.force_login(user)
    answer = client.get("/clients/", {"sort": "-created", "cursor": made_up("f", "northwind advisory", 1)})
    assert answer.status_code == 302
    assert "cursor" not in answer["Location"]
