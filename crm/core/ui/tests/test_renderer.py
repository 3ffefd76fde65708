"""Controls put together without a template are those of Django's own templates."""

import re

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates
from django.utils.translation import gettext_lazy

from crm.core.ui.forms import CONTROLS, Renderer

EVIL = "\"'><script>&amp;"
ATTRS = {"id": "id_x", "required": True, "hidden": False, "data-a": EVIL, "rows": 3, "data-n": 0, "data-e": ""}
CHOICES = [("", gettext_lazy("None")), (1, EVIL), ("Group & co", [("a<", "A"), ("b", "B")])]
SHOWN = [
    *((kind(), value) for kind in (forms.TextInput, forms.Textarea) for value in (None, "", EVIL, 0, 12345.5)),
    *((kind(), "x@example.com") for kind in (forms.EmailInput, forms.URLInput, forms.TelInput, forms.HiddenInput)),
    (forms.NumberInput(), 12345),
    (forms.DateInput(format="%Y-%m-%d"), "2026-11-27"),
    (forms.TimeInput(), "09:30"),
    (forms.DateTimeInput(), "2026-11-27 09:30"),
    (forms.PasswordInput(render_value=True), EVIL),
    *((forms.Select(choices=CHOICES), value) for value in (None, "", 1, "1", "b")),
    (forms.SelectMultiple(choices=CHOICES), ["1", "a<"]),
    (forms.NullBooleanSelect(), True),
]


def squeezed(html: str) -> str:
    return re.sub(r"\s+(?=<)", "", html)


@pytest.mark.parametrize(("widget", "value"), SHOWN, ids=lambda part: type(part).__name__)
def test_a_control_is_what_djangos_template_makes(widget, value):
    context = widget.get_context("x", value, ATTRS)
    assert widget.template_name in CONTROLS
    ours = Renderer().render(widget.template_name, context)
    assert squeezed(ours) == squeezed(DjangoTemplates().render(widget.template_name, context))
