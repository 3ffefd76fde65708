"""Parts of the layout and of rows that are rendered once and filled in."""

import pytest
from django.template import Context, Template, TemplateSyntaxError
from django.urls import reverse
from django.utils import translation

from crm.core.templatetags import ui_shell

SHELL = '{% shell "test" kind %}<b>{{ kind }} {{ once }}</b>{% hole "count" key %}{% endshell %}'


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.setattr(ui_shell, "_shells", {})


def shown(source, **context):
    return Template(source).render(Context(context))


def filled(**filling):
    return {"filling": filling}


def test_a_shell_is_rendered_once_for_its_arguments_and_filled_each_time():
    first = shown(SHELL, kind="a", once=1, key="today", nav=filled(**{"count today": "5"}))
    again = shown(SHELL, kind="a", once=2, key="today", nav=filled(**{"count today": "6"}))
    other = shown(SHELL, kind="b", once=3, key="today", nav=filled())
    assert [first, again, other] == ["<b>a 1</b>5", "<b>a 1</b>6", "<b>b 3</b>"]


def test_a_shell_is_kept_by_language():
    for language in ("en", "de"):
        with translation.override(language):
            shown(SHELL, kind="a", once=language, key="today", nav=filled())
    assert {key[0] for key in ui_shell._shells} == {"en", "de"}


def test_a_page_without_navigation_leaves_the_holes_empty():
    assert shown(SHELL, kind="a", once=1, key="today") == "<b>a 1</b>"


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(ui_shell, "KEPT", 3)
    for kind in range(10):
        shown(SHELL, kind=kind, once=1, key="today")
    assert len(ui_shell._shells) <= 3


ROWS = """
{% stencil act %}<a href="/{% hole "id" %}/">{{ word }}: {% hole "name" %}</a>{% endstencil %}
{% for row in rows %}{% fill act id=row.pk name=row.name %}{% endfor %}"""


def test_a_stencil_is_filled_for_each_row_with_escaped_texts():
    rows = [{"pk": 1234, "name": "<Nord & Süd>"}, {"pk": 2, "name": "\ue000id\ue001"}]
    found = shown(ROWS, rows=rows, word="Open")
    assert found.strip() == '<a href="/1234/">Open: &lt;Nord &amp; Süd&gt;</a><a href="/2/">Open: \ue000id\ue001</a>'


@pytest.mark.parametrize(
    "source", ["{% shell %}{% endshell %}", "{% stencil %}{% endstencil %}", "{% stencil a b %}{% endstencil %}"]
)
def test_a_tag_without_its_name_is_refused(source):
    with pytest.raises(TemplateSyntaxError):
        Template(source)


def test_two_people_get_their_own_name_and_numbers(client, marta, ines):
    """The layout that one has caused to be kept shows the other nothing of the first."""
    for user in (marta, ines, marta):
        client.force_login(user)
        page = client.get(reverse("core:profile")).content.decode()
        others = {marta, ines} - {user}
        assert user.name in page and not any(other.name in page for other in others)
