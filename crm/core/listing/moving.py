"""Cards of a board: the next ones of a column, and a card's move to another, by dragging or in a dialog."""

from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from crm.core.base.errors import ServiceError, StaleWrite
from crm.core.base.reading import whole_number
from crm.core.listing import boards
from crm.core.listing.models import BulkChange
from crm.core.listing.paging import BadCursor
from crm.core.ui.actions import form_action
from crm.core.ui.dialogs import small_form
from crm.core.ui.forms import Asks, Form, Layout
from crm.core.ui.htmx import add_event, is_fragment, posted, toast

MAX_ID = 2**63 - 1


class MoveForm(Asks, Form):
    """To which column; `was`: that in which the card was seen. A board adds fields to a subclass of it."""

    merges = False
    layout = Layout("to")  # the page puts `was` beside it

    to = forms.ChoiceField(label=_lazy("Move to"), widget=forms.RadioSelect)
    was = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, choices: list[tuple[str, str]], **kwargs: Any):
        super().__init__(data, **kwargs)
        self.fields["to"].choices = choices  # type: ignore[attr-defined]

    def doubt(self, error: ServiceError) -> bool:
        """Whether the question of a service was answered by sending the form again; else the form asks it."""
        about = f"{error.field}: {error.message}"
        if self.is_meant(about):
            return True
        self.data = self.data.copy()
        self.data["asked"] = about
        return False

    def given(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name not in ("to", "was")}


class DropForm(forms.Form):
    """What a drag posts: the card, the column it is dropped on, and that in which it was seen."""

    moved = forms.IntegerField(min_value=1, max_value=MAX_ID)
    list = forms.CharField(max_length=200)
    version = forms.CharField(max_length=200)


def _shown(listing: Any) -> boards.Shown:
    """The board that the address names, else the list's first."""
    if listing.board is None:
        listing.board_key = next(iter(listing.declared.own_boards))
        del listing.board
    return listing.board


def _row(request, listing: Any, pk: int) -> Any:
    return get_object_or_404(listing.declared.rows(request.principal, **listing.kwargs), pk=pk)


def cards(request, listing: Any) -> HttpResponse:
    """The next cards of a column; without JavaScript the list of its group."""
    shown = _shown(listing)
    section = shown.column(request.GET.get("column", ""))
    if section is None:
        raise Http404
    try:
        found, more_url = shown.cards(section, request.GET.get("cursor", ""))
    except BadCursor:
        found, more_url = shown.cards(section)
    listing.decorate(found)
    words = {name: str(word) for name, word in listing.declared.words.items()}
    context = {"cards": found, "more_url": more_url, "board": shown, "listing": listing, "words": words}
    return render(request, shown.cards_template, context)


def stale_words(request, error: StaleWrite, row: Any) -> str:
    """Who changed it; the hour alone may have moved a card that nobody has saved since the board was shown."""
    if boards.milliseconds(row.updated_at) < (whole_number(request.GET.get(boards.SHOWN_AT)) or 0):
        return _("“%(title)s” is in another column by now. The board is up to date now.") % {"title": row}
    words = _("%(who)s changed “%(title)s” while this board was open. It is up to date now.")
    return words % {"who": error.who or _("Someone"), "title": row}


def drop(request, listing: Any) -> HttpResponse:
    """A card was dragged to a column. 409 with words if somebody else has changed it since, or if the board asks first."""
    shown, form = _shown(listing), DropForm(request.POST)
    if not form.is_valid():
        return JsonResponse({"text": _("This card could not be moved.")}, status=400)
    given = form.cleaned_data
    ask = {"ask": _ask_url(shown, given)}
    if shown.board.form and shown.board.asks(given["list"]):
        return JsonResponse({"text": _("Open the card to move it.")} | ask, status=409)
    row = _row(request, listing, given["moved"])
    try:
        change = boards.move(
            request.principal, shown.board, row, to=given["list"], was=given["version"], given={}, now=timezone.now()
        )
    except StaleWrite as error:
        return JsonResponse({"text": stale_words(request, error, row)}, status=409)
    except (ServiceError, PermissionDenied) as error:
        is_question = getattr(error, "code", "") == "question"
        return JsonResponse(
            {"text": str(error) or _("You cannot change it.")} | (ask if is_question else {}), status=409
        )
    return JsonResponse(
        {"version": given["list"], "text": _said(shown.board, row, given["list"]), "undo": _undo(change)}
    )


def _ask_url(shown: boards.Shown, given: dict[str, Any]) -> str:
    """The dialog of a move that needs more than a column."""
    before, after = shown.move_url
    return f"{before}{given['moved']}{after}&{urlencode({'to': given['list'], 'was': given['version']})}"


def _said(board: boards.Board, row: Any, key: str) -> str:
    return _("“%(title)s” moved to %(column)s") % {"title": row, "column": dict(boards.targets(board)).get(key, "")}


def _undo(change: BulkChange) -> str:
    return reverse("core:undo-selected", args=[change.pk]) if change.pk else ""


def move(request, listing: Any, card: int) -> HttpResponse:
    """The same in a dialog, or on a page: to which column, and what the move asks."""
    shown, now = _shown(listing), timezone.now()
    row = _row(request, listing, card)
    board, present = shown.board, boards.present_key(row, shown.board.group)
    asked = request.GET.get("to", "")
    initial = board.initial(row) | {"to": asked or present, "was": request.GET.get("was") or present}
    form = (board.form or MoveForm)(posted(request), choices=boards.targets(board), initial=initial)
    outcome = form_action(request, form, lambda: _move(request, listing, board, row, form, now))
    if outcome.is_done:
        return _moved(request, listing, board, row, form.cleaned_data["to"], outcome.result)
    if outcome.conflict:
        form.add_error(None, stale_words(request, StaleWrite("", who=outcome.conflict.who), row))
        form.data = form.data.copy()
        form.data["was"] = present
    trail, words = (listing.title, listing.board_url, row), {"title": _("Move"), "submit": _("Move"), "about": row}
    return small_form(request, form, replace(outcome, conflict=None), **words, back_url=listing.board_url, trail=trail)


def _move(request, listing, board, row, form, now):
    told = {"to": form.cleaned_data["to"], "was": form.cleaned_data["was"], "now": now, "url": listing.board_url}
    given = form.given()
    try:
        return boards.move(request.principal, board, row, given=given, **told)
    except ServiceError as error:
        if error.code != "question" or not form.doubt(error):
            raise
        return boards.move(request.principal, board, row, given=given | {error.field: True}, **told)


def _moved(request, listing, board, row, key: str, change: BulkChange) -> HttpResponse:
    text, undo = _said(board, row, key), _undo(change)
    if not is_fragment(request):
        messages.success(request, text, extra_tags=f"undo:{undo}" if undo else "")
        return redirect(listing.board_url)
    response = add_event(HttpResponse(status=204), "closeDialog", {})
    add_event(response, boards.Shown.event, {})
    return toast(response, text, undo_url=undo)
