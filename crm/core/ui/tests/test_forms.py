"""What a form says about its layout, and what the page gets."""

import re

import pytest
from django import forms
from django.template import Context, Template
from django.utils import translation

from crm.core.ui.actions import Conflict
from crm.core.ui.forms import Field, Form, Group, Layout, Maybe, More, Row, When, names_in, part_of


def draw(form, source="{% crispy form %}", **context):
    return re.sub(r"\s+", " ", Template(source).render(Context({"form": form} | context)))


def names(html):
    return re.findall(r'name="([a-z_]+)"', html)


class CallForm(Form):
    layout = Layout(
        Row("kind", "day"),
        Group("Who", "person", text="Of the client.", id="who"),
        When("kind=call", "minutes"),
        More("Rarely needed", Field("note", optional=True), Field("is_shared", switch=True), open=True),
        Maybe("absent"),
    )
    subject = part_of(Layout("kind"))

    kind = forms.CharField()
    day = forms.CharField()
    person = forms.CharField()
    minutes = forms.CharField(required=False)
    note = forms.CharField(required=False)
    is_shared = forms.BooleanField(required=False)
    secret = forms.CharField(required=False, widget=forms.HiddenInput)


def test_fields_stand_as_the_layout_says():
    html = draw(CallForm())
    assert names(html) == ["secret", "kind", "day", "person", "minutes", "note", "is_shared"]
    assert '<div class="grid-2">' in html
    assert '<h2 id="who">Who</h2>' in html and "Of the client." in html
    assert '<div data-show-when="kind=call">' in html
    assert '<details class="mb-3" open> <summary>Rarely needed' in html
    assert "(optional)" in html and 'role="switch"' in html
    assert html.count("(optional)") == html.count('role="switch"') == 1, (
        "attributes of one field do not leak to the next"
    )


def test_without_a_layout_every_field_has_a_line():
    plain = type("PlainForm", (CallForm,), {"layout": None})
    assert names(draw(plain())) == ["secret", *names_in(*CallForm.layout.fields)[:-1]]


def test_a_row_without_names_takes_every_field():
    row = type("RowForm", (CallForm,), {"layout": Layout(Row())})
    assert names(draw(row())) == ["secret", "kind", "day", "person", "minutes", "note", "is_shared"]


def test_a_field_that_is_not_there_is_an_error():
    wrong = type("WrongForm", (CallForm,), {"layout": Layout("kindd")})
    with pytest.raises(Exception, match="kindd"):
        draw(wrong())


def test_what_was_typed_and_what_is_wrong_come_back():
    html = draw(CallForm({"kind": "call", "version": "7"}))
    assert 'role="alert"' in html and 'value="call"' in html
    assert "Enter the day." in html and "Enter the person." in html
    assert '<input type="hidden" name="version" value="7">' in html


@pytest.mark.parametrize(("given", "shown"), [({"version": 3}, ["3"]), ({"version": 0}, ["0"]), ({}, [])])
def test_the_version_that_was_read_goes_along(given, shown):
    assert re.findall(r'name="version" value="(\d+)"', draw(CallForm(initial=given))) == shown


def test_a_conflict_brings_the_version_to_save_over():
    html = draw(CallForm({"kind": "call", "version": "3"}), conflict=Conflict("Marta", 5, []))
    assert re.findall(r'name="version" value="(\d+)"', html) == ["5"]
    assert "Marta changed this" in html


def test_a_form_inside_another_leaves_version_and_errors_to_it():
    html = draw(CallForm({"version": "3"}), "{% crispy form form.inner %}", conflict=Conflict("Marta", 5, []))
    assert "version" not in html and 'role="alert"' not in html
    assert "Enter the day." in html


def test_some_fields_can_stand_apart():
    assert names(draw(CallForm(initial={"version": 3}), "{% crispy form form.subject %}")) == ["kind"]


class NoteForm(Form):
    layout = Layout("title", "note")

    title = forms.CharField(max_length=10)
    note = forms.CharField(max_length=10, required=False, widget=forms.Textarea)


def test_a_text_that_is_too_long_is_kept_and_the_form_says_how_long_it_may_be():
    assert "maxlength" not in draw(NoteForm())
    html = draw(NoteForm({"title": "twelve signs", "note": "short"}))
    assert 'value="twelve signs"' in html and "maxlength" not in html
    assert "At most 10 characters. This has 12." in html and html.count("field-error") == 1


def test_other_languages_say_it_in_djangos_words():
    with translation.override("de"):
        html = draw(NoteForm({"title": "twelve signs"}))
    assert "höchstens 10 Zeichen" in html and "At most" not in html
