"""Saving the form of a contact."""

from collections.abc import Callable, Iterable
from typing import Any

from django.forms import BaseForm
from django.http import HttpRequest

from clients.contacts.forms import ContactForm
from crm.core.ui.actions import Outcome, form_action


def contact_action(
    request: HttpRequest, form: ContactForm, act: Callable[[], Any], *, beside: Iterable[BaseForm] = ()
) -> Outcome:
    """`form_action` for a contact's form and those `beside` it. The button for more rows shows the page again, unsaved."""
    if form.wants_rows:
        form.add_rows()
        return Outcome()
    if request.method == "POST" and not all(other.is_valid() for other in beside):
        return Outcome(status=422)
    return form_action(request, form, act)
