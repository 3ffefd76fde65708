import pytest

from crm.core.base.errors import ServiceError, StaleWrite
from crm.core.base.states import States, transition
from crm.core.users.models import User

pytestmark = pytest.mark.django_db
THEMES = States({"system": ("light", "dark"), "light": ("system",), "dark": ()}, bright=("system", "light"))


def test_a_move_saves_the_state_and_what_the_block_set_in_one_row_of_history(marta):
    with transition(marta, to="light", states=THEMES, field="theme") as row:
        row.title = "Partner"
    kept = User.objects.get(pk=marta.pk)
    assert (kept.theme, kept.title, kept.version) == ("light", "Partner", marta.version + 1)
    assert User.pgh_event_models["update"].objects.filter(pgh_obj_id=marta.pk, version=kept.version).count() == 1


def test_a_move_that_is_not_there_changes_nothing(marta):
    User.objects.filter(pk=marta.pk).update(theme="dark")
    with pytest.raises(ServiceError) as raised, transition(marta, to="light", states=THEMES, field="theme") as row:
        row.title = "Partner"
    assert raised.value.code == "state"
    assert User.objects.get(pk=marta.pk).title == ""


def test_a_stale_move_is_refused(marta):
    User.objects.filter(pk=marta.pk).update(version=5, theme="light")
    with pytest.raises(StaleWrite), transition(marta, to="system", states=THEMES, seen=4, field="theme"):
        pass


def test_sets_have_names_and_unknown_ones_fail():
    assert THEMES.bright == ("system", "light")
    with pytest.raises(AttributeError):
        THEMES.open  # noqa: B018


def test_moves_to_unknown_states_are_refused_when_loaded():
    with pytest.raises(ValueError, match="unknown"):
        States({"a": ("b",)})


def test_a_machine_may_have_its_own_words_for_a_refusal(marta):
    spoken = States({"light": (), "dark": ()}, refusal="Already %(now)s.", code="conflict")
    with pytest.raises(ServiceError, match="Already Same as device"):
        spoken.expect(marta, "light", field="theme")
    spoken.expect(marta, "dark", marta.theme, field="theme")


def test_a_move_that_is_no_edit_leaves_the_version(marta):
    saved_at = marta.updated_at
    with transition(marta, to="light", states=THEMES, field="theme", is_edit=False, is_locked=True) as row:
        row.title = "Partner"
    assert row is marta
    kept = User.objects.get(pk=marta.pk)
    assert (kept.theme, kept.title, kept.version) == ("light", "Partner", 1)
    assert kept.updated_at > saved_at
