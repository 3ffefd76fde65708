"""Nobody forgets a model or a secret: the check that speaks up."""

import pytest

from crm.core.archive import queries, tables
from crm.core.archive.queries import every_open_table_is_spoken_of
from crm.core.archive.tables import Sight, every_model_is_spoken_of, everything
from crm.core.base.registry import Registry
from crm.core.users.models import ApiToken, Team, User


@pytest.fixture
def registries(monkeypatch):
    kept, gone = Registry("table"), Registry("left out")
    for mine, theirs in ((kept, tables.tables), (gone, tables.left_out)):
        for each in theirs:
            if each.model not in (Team, User, ApiToken):
                mine.register(each)
    monkeypatch.setattr(tables, "tables", kept)
    monkeypatch.setattr(tables, "left_out", gone)
    tables.leave_out(ApiToken, why="Secret")
    tables.keep(Team)


def messages():
    return [error.msg for error in every_model_is_spoken_of(None)]


def test_every_model_of_the_product_is_spoken_of():
    assert messages() == []


def test_a_forgotten_model(registries):
    assert messages() == ["core.User is neither in the archive of the firm nor left out with a reason."]


def test_a_model_in_both(registries):
    tables.leave_out(Team, User, why="No")
    assert messages() == ["core.Team is neither in the archive of the firm nor left out with a reason."]


def test_a_secret(registries):
    tables.keep(User)
    assert messages() == ["core.User.password may be a secret: leave it out of the archive, or call it harmless."]


def test_a_column_that_needs_a_value(registries):
    tables.table(User, without={"password": "Secret"})
    assert messages() == ["core.User.password is left out of the archive and has no value in another firm."]


def test_a_column_that_is_not_there(registries):
    tables.table(User, without={"pass": "Gone"}, harmless=("password",))
    assert messages() == ["The archive leaves out core.User.pass, which is not there."]


def test_what_a_table_refers_to_comes_before_it():
    place = {table.key: n for n, table in enumerate(everything())}
    assert place["core.User"] < place["core.Team"] < place["clients.Client"] < place["clients.RevenueLine"]
    assert place["clients.Engagement"] < place["clients.Contract"]


def test_who_sees_a_table_that_nothing_narrows_is_said(monkeypatch):
    assert every_open_table_is_spoken_of(None) == []
    said = Registry("sight")
    for each in tables.sights:
        if each.model is not Team:
            said.register(each)
    said.register(Sight(ApiToken, why="Wrong"))
    monkeypatch.setattr(queries, "sights", said)
    assert [error.msg for error in every_open_table_is_spoken_of(None)] == [
        "Of core.Team an archive of what one colleague may see has every row: narrow it, or say why.",
        "core.ApiToken is called open to all, but is narrowed or not in the archive.",
    ]
