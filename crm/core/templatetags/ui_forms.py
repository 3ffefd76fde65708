"""Tags for forms, registered with the others by ui.py."""

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext as _

DASHES = "---------"
CHOSEN = (
    forms.Select,
    forms.RadioSelect,
    forms.CheckboxSelectMultiple,
    forms.DateInput,
    forms.DateTimeInput,
    forms.FileInput,
)
NAME_WORDS = 3


def name_empty_choice(field):
    """A label instead of Django's dashes: what to do, or that nothing is chosen. A bound form has its own copy of each
    field.
    """
    empty = _("Choose one") if field.required else _("None")
    if hasattr(field, "empty_label"):
        field.empty_label = empty if field.empty_label == DASHES else field.empty_label
        return
    first = next(iter(getattr(field, "choices", None) or ()), None)
    if first and first[1] == DASHES:
        field.choices = [(first[0], empty), *list(field.choices)[1:]]


def problems(field):
    """The errors of a bound field, in order. The message for a missing value names the field, if its label reads as a
    noun.
    """
    said = {"required": _asked_for(field)}
    found = zip(field.errors.as_data(), field.errors, strict=True)
    return [said.get(error.code) or too_long(error) or message for error, message in found]


def too_long(error):
    """The message for a text that is too long, "" for any other error. Other languages use Django's message."""
    if error.code != "max_length" or not error.params or not _is_english():
        return ""
    return _("At most %(limit_value)d characters. This has %(show_value)d.") % error.params


def _is_english():
    return get_language() in {"en", "en-gb", "en-us"}


def _asked_for(field):
    """ "Enter the last name." for a field with Django's message for a missing value, "" for one with its own
    message.
    """
    own = field.field.error_messages["required"] != forms.Field.default_error_messages["required"]
    words = str(field.label).split()
    is_name = (
        len(words) <= NAME_WORDS
        and not str(field.label).endswith("?")
        and not isinstance(field.field, forms.BooleanField)
    )
    if own or not is_name or not _is_english():
        return ""
    first = words[0] if words[0][1:] != words[0][1:].lower() else words[0].lower()
    verb = _("Choose the %(name)s.") if isinstance(field.field.widget, CHOSEN) else _("Enter the %(name)s.")
    return verb % {"name": " ".join([first, *words[1:]])}
