"""A secret link is one declaration: what the mail keeps, whom it opens for, and that no log shows it."""

from dataclasses import dataclass

import pytest

from crm.core.base.logs import masked
from crm.core.base.secret_links import SecretLink, hash_token


@dataclass
class Row:
    pk: int
    salt: str = "salt"
    token_hash: str = ""


class Rows(list):
    def filter(self, pk):
        return Rows(row for row in self if row.pk == pk)

    def first(self):
        return self[0] if self else None


def link(*rows, **more):
    return SecretLink("test", "/test-of-links/{id}/{token}/", lambda: Rows(rows), **more)


def test_only_its_own_token_opens_a_row():
    one, two = Row(1), Row(2)
    found = link(one, two)
    assert found.find(1, found.token(one)) is one
    for token in (found.token(two), "", "é\udcff", found.token(one)[:-1]):
        assert found.find(1, token) is None
    assert found.find(3, found.token(one)) is None
    assert link(one, is_open=lambda row: False).find(1, found.token(one)) is None


def test_a_stored_hash_decides_where_it_is_kept():
    """So that a link opens also after the server's key has changed, and ends when another is sent."""
    row = Row(1, token_hash=hash_token("older"))
    found = link(row, is_stored=True)
    assert found.find(1, "older") is row
    assert found.find(1, found.token(row)) is None
    row.token_hash = ""
    assert found.find(1, "") is None


@pytest.mark.parametrize("parts", [{}, {"uid": "x1"}])
def test_the_mail_keeps_no_token(parts):
    found = SecretLink("test", "/test-of-links/{uid}/{token}/", Rows)
    kept = found.in_mail(Row(7), **parts)
    assert kept == {"purpose": "test", "id": 7, "salt": "salt", "path": kept["path"]}
    assert ("x1" in kept["path"]) == bool(parts) and "{token}" in kept["path"]


def test_no_log_shows_the_token():
    found = link()
    token = found.token(Row(5))
    assert token not in masked(f"GET /test-of-links/5/{token}/ 200")
