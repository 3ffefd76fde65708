"""Merging two records: choose the other one, compare both, undo."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clients import permissions
from clients.contacts.fields import CONTACT_FIELDS
from clients.contacts.models import Contact
from clients.merging import undoing
from clients.merging.fields import choices_of
from clients.merging.forms import MergeForm, PickForm
from clients.merging.models import ClientMerge, ContactMerge
from clients.merging.queries import Moving, status_after, what_moves
from clients.merging.relations import consequences
from clients.merging.services import merge_clients, merge_contacts
from clients.records.fields import CLIENT_FIELDS
from clients.records.models import Client
from crm.core.base.errors import ServiceError, StaleWrite
from crm.core.base.permissions import require
from crm.core.fields.custom.entries import load_custom
from crm.core.firm.queries import firm_today
from crm.core.ui.htmx import go, posted


@dataclass(frozen=True)
class Kind:
    """What differs between clients and contacts."""

    key: str
    model: Any
    merges: Any
    catalogue: Any
    merge: Callable[..., Any]
    undo: Callable[..., Any]
    may: Callable[..., bool]
    why: Any
    merge_url: str
    with_url: str
    page_url: str
    undo_url: str
    list_url: str
    title: Any


KINDS = {
    "clients": Kind(
        "clients",
        Client,
        ClientMerge,
        CLIENT_FIELDS,
        merge_clients,
        undoing.undo_client_merge,
        permissions.may_merge,
        permissions.MERGE,
        "clients:merge",
        "clients:merge_with",
        "clients:merge_page",
        "clients:undo_merge",
        "clients:merges",
        gettext_lazy("Merge clients"),
    ),
    "contacts": Kind(
        "contacts",
        Contact,
        ContactMerge,
        CONTACT_FIELDS,
        merge_contacts,
        undoing.undo_contact_merge,
        permissions.may_merge_contacts,
        permissions.PERSON_IN_TRASH,
        "clients:merge_contact",
        "clients:merge_contact_with",
        "clients:contact_merge_page",
        "clients:undo_contact_merge",
        "clients:contact_merges",
        gettext_lazy("Merge contacts"),
    ),
}


def _record(request, kind: Kind, pk: int) -> Any:
    return get_object_or_404(kind.model.objects.visible_to(request.principal), pk=pk)


@require_http_methods(["GET", "POST"])
def choose(request, kind, pk):
    """The other record, by its name."""
    kind = KINDS[kind]
    record = _record(request, kind, pk)
    require(not record.is_archived, str(permissions.IN_TRASH))
    form = PickForm(posted(request), principal=request.principal, record=record)
    if request.method == "POST" and form.is_valid():
        return go(request, reverse(kind.with_url, args=[record.pk, form.cleaned_data["other"].pk]))
    status = 422 if request.method == "POST" else 200
    return render(request, "clients/merging/choose.html", {"form": form, "record": record, "kind": kind}, status=status)


@require_http_methods(["GET", "POST"])
def compare(request, kind, pk, away_id):
    """Both side by side; a POST merges them."""
    kind, now = KINDS[kind], timezone.now()
    kept, away = _record(request, kind, pk), _record(request, kind, away_id)
    require(kept.pk != away.pk and kind.may(request.principal, kept, away), str(kind.why))
    load_custom(request.principal, kind.catalogue, [kept, away], now)
    choices = choices_of(request.principal, kept, away)
    versions = {"kept_version": kept.version, "away_version": away.version}
    form = MergeForm(posted(request), choices=choices, initial=versions)
    status, error = 200, ""
    if request.method == "POST":
        status, error = _merge(request, kind, kept, away, form, now)
        if not status:
            return go(request, kept.get_absolute_url())
    if status == 409:
        form = MergeForm(_with_versions(request.POST, versions), choices=choices)
    context = {"form": form, "kept": kept, "away": away, "kind": kind, "error": error}
    context |= _facts(request, kept, away, now)
    return render(request, "clients/merging/compare.html", context, status=status)


def _merge(request, kind: Kind, kept: Any, away: Any, form: MergeForm, now: Any) -> tuple[int, str]:
    """(status of the page, error); (0, "") when merged."""
    if not form.is_valid():
        return 422, _("Choose one of the two for each field.")
    try:
        merge = kind.merge(request.principal, kept=kept, away=away, taken=form.taken, seen=form.seen, now=now)
    except StaleWrite as error:
        return 409, _(
            "One of the two was changed while you compared them. Check the values, then merge."
        ) if error else ""
    except ServiceError as error:
        return 422, error.message
    words = _("%(away)s was merged into %(kept)s.") % {"away": away, "kept": kept}
    messages.success(request, words, extra_tags=f"undo:{reverse(kind.undo_url, args=[merge.pk])}")
    return 0, ""


def _with_versions(data: Any, versions: dict[str, int]) -> Any:
    data = data.copy()
    for name, version in versions.items():
        data[name] = str(version)
    return data


def _facts(request, kept: Any, away: Any, now: Any) -> dict[str, Any]:
    """What the page tells besides the fields."""
    moving: list[Moving] = what_moves(request.principal, away)
    words = {"kept": kept, "away": away}
    told = [str(each.text) % words for each in consequences if each.model is type(kept)]
    is_client = isinstance(kept, Client)
    return {
        "moving": moving,
        "consequences": told,
        "status": status_after(kept, away, firm_today(now)) if is_client else None,
        "newer": "kept" if kept.updated_at >= away.updated_at else "away",
    }


@require_GET
def page(request, kind, pk):
    """One merge: who merged what and when, its undo, and what the undo left."""
    kind = KINDS[kind]
    merge = get_object_or_404(_merges(request, kind), pk=pk)
    may_undo = merge.undone_at is None and _may_undo(request.principal, kind, merge)
    context = {"merge": merge, "kind": kind, "may_undo": may_undo, "left": _left(request.principal, merge)}
    return render(request, "clients/merging/page.html", context)


def _merges(request, kind: Kind) -> Any:
    rows = kind.merges.objects.visible_to(request.principal)
    return rows.select_related("kept", "away", "by", "undone_by")


def _may_undo(principal, kind: Kind, merge: Any) -> bool:
    return kind.undo.may is None or kind.undo.may(principal, merge)  # type: ignore[attr-defined]


def _left(principal, merge: Any) -> list[dict[str, Any]]:
    """What an undo left, by name where the reader sees the row."""
    found = []
    for label, pk, why in merge.left:
        model = apps.get_model(label)
        manager: Any = model._default_manager
        rows = manager.visible_to(principal) if hasattr(manager, "visible_to") else manager.all()
        row = rows.filter(pk=pk).first()
        if row is not None or not hasattr(manager, "visible_to"):
            url = row.get_absolute_url() if hasattr(row, "get_absolute_url") else ""
            name = str(row) if row is not None and type(row).__str__ is not object.__str__ else ""
            found.append({"what": model._meta.verbose_name, "name": name, "url": url, "why": why})
    return found


@require_POST
def undo(request, kind, pk):
    kind = KINDS[kind]
    merge = get_object_or_404(_merges(request, kind), pk=pk)
    try:
        merge = kind.undo(request.principal, merge=merge, now=timezone.now())
    except ServiceError as error:
        messages.error(request, error.message)
        return redirect(kind.page_url, merge.pk)
    messages.success(
        request,
        _("The merge was undone: %(kept)s and %(away)s are two again.") % {"kept": merge.kept, "away": merge.away},
    )
    return redirect(kind.page_url, merge.pk) if merge.left else redirect(merge.away.get_absolute_url())
