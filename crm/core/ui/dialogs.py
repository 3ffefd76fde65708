"""One small form, such as “Record a payment”: a fragment in the shared dialog over the page it was opened from, or a page of its own."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from crm.core.ui.actions import Outcome
from crm.core.ui.htmx import is_fragment

IN_DIALOG = "remote-dialog-body"


def in_dialog(request: HttpRequest) -> bool:
    """Whether the form was opened in the shared dialog."""
    return is_fragment(request) and request.htmx.target == IN_DIALOG  # type: ignore[attr-defined]


def crumbs(*parts: Any) -> list[dict[str, Any]]:
    """Labels and addresses in turn as the items of a page header's `crumbs`; in a template
    `{% crumbs _("Clients") list_url client.name client_url _("Edit") as trail %}`."""
    return [{"label": parts[n], "url": parts[n + 1] if n + 1 < len(parts) else ""} for n in range(0, len(parts), 2)]


def small_form(
    request: HttpRequest,
    form: Any,
    outcome: Outcome,
    *,
    title: Any,
    submit: Any,
    about: Any = "",
    lead: Any = "",
    back_url: str = "",
    trail: Sequence[Any] = (),
    others: Sequence[dict[str, Any]] = (),
    styles: Sequence[str] = (),
) -> HttpResponse:
    """`about`: what it is about, under the dialog's title; `lead` under that of the page, if it says something else. `back_url`: where
    “Cancel” on the page leads. `trail`: labels and addresses in turn. `others`: [{label, url}] of dialogs to choose instead. `styles`: what
    its fields need."""
    is_dialog = in_dialog(request)
    context = {
        "form": form,
        "title": title,
        "submit": submit,
        "about": about,
        "lead": lead or about,
        "back_url": back_url,
        "trail": crumbs(*trail, title) if trail else [],
        "others": others,
        "styles": styles,
        "conflict": outcome.conflict,
        "url": request.get_full_path(),
        "is_dialog": is_dialog,
    }
    template = "small_form.html#form" if is_dialog else "small_form.html"
    return render(request, template, context, status=outcome.status)
