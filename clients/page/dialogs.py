"""Small forms and trails of records that belong to a client and have a list of their own: list, client, record."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django.urls import reverse

from crm.core.ui.dialogs import small_form


def trail_of(row: Any, label: Any, list_name: str) -> tuple[Any, ...]:
    """Labels and addresses in turn, down to the record's client."""
    return label, reverse(list_name), row.client.name, row.client.get_absolute_url()


def record_dialog(request, row: Any, form, outcome, *, name: str, within: Sequence[Any], **told: Any) -> HttpResponse:
    """A small form about a record, called `name`, below its trail. `told` is for `small_form`."""
    return small_form(
        request,
        form,
        outcome,
        about=f"{name} · {row.client.name}",
        back_url=row.get_absolute_url(),
        trail=(*within, name, row.get_absolute_url()),
        **told,
    )
