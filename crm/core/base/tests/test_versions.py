"""Edits: one UPDATE and one row of history each; what two people changed apart is merged, what they both changed is asked about."""

import pytest

from crm.core.base.errors import StaleWrite
from crm.core.base.principals import acting
from crm.core.base.services import service
from crm.core.base.versions import save_version, who_saved
from crm.core.users.models import Team, User

pytestmark = pytest.mark.django_db


@service(may=None)
def edit(principal, user, *, seen=None, **fields):
    row = User.objects.select_for_update().get(pk=user.pk)
    for name, value in fields.items():
        setattr(row, name, value)
    save_version(row, fields=[*fields], seen=seen)
    return row


def events(row):
    return type(row).pgh_event_models["update"].objects.filter(pgh_obj_id=row.pk).order_by("pgh_id")


def test_an_edit_is_one_row_of_history_under_its_principal(marta, ines):
    before = events(marta).count()
    row = edit(acting(ines), marta, title="Partner")
    assert (row.version, User.objects.get(pk=marta.pk).title) == (marta.version + 1, "Partner")
    assert events(marta).count() == before + 1
    assert events(marta).last().pgh_context.metadata["user"] == ines.pk
    assert who_saved(row) == ines.name


def test_what_others_changed_elsewhere_is_kept(marta, ines):
    edit(acting(ines), marta, title="Partner")
    row = edit(acting(marta), marta, seen=marta.version, name="Marta K", title=marta.title)
    kept = User.objects.get(pk=marta.pk)
    assert (kept.name, kept.title, kept.version) == ("Marta K", "Partner", marta.version + 2)
    assert row.title == "Partner"


def test_what_both_changed_is_asked_about(marta, ines):
    edit(acting(ines), marta, title="Partner", name="Marta I")
    with pytest.raises(StaleWrite) as raised:
        edit(acting(marta), marta, seen=marta.version, title="Director", name="Marta Kesti")
    assert (raised.value.fields, raised.value.who) == (["title"], ines.name)
    assert User.objects.get(pk=marta.pk).title == "Partner"


def test_the_same_change_twice_is_no_conflict(marta, ines):
    edit(acting(ines), marta, title="Partner")
    edit(acting(marta), marta, seen=marta.version, title="Partner")
    assert User.objects.get(pk=marta.pk).title == "Partner"


def test_a_version_the_history_does_not_hold_is_stale(marta, ines):
    edit(acting(ines), marta, title="Partner")
    with pytest.raises(StaleWrite):
        edit(acting(marta), marta, seen=99, name="Marta K")


def test_a_row_that_went_on_meanwhile_is_stale(firm):
    team = Team.objects.create(name="Nordics")
    Team.objects.filter(pk=team.pk).update(version=7)
    team.name = "Baltics"
    with pytest.raises(StaleWrite):
        save_version(team, fields=["name"], seen=None)
