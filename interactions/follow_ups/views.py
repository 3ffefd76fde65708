"""Follow-ups: the list, the form, and what is done with one."""

from datetime import timedelta

from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clients.records.models import Client
from crm.core.base.errors import ServiceError, StaleWrite, add_to_form
from crm.core.base.permissions import require
from crm.core.listing.paging import BadCursor
from crm.core.ui.htmx import go, render_page
from interactions import permissions
from interactions.follow_ups import lists as follow_up_lists
from interactions.follow_ups.choices import SourceKind
from interactions.follow_ups.forms import FollowUpForm, OutcomeForm, ReassignForm, SnoozeForm
from interactions.follow_ups.models import FollowUp
from interactions.follow_ups.reading import note_follow_up_read
from interactions.follow_ups.services import (
    cancel_follow_up,
    complete_follow_up,
    create_follow_up,
    reassign_follow_up,
    reopen_follow_up,
    snooze_follow_up,
    update_follow_up,
)
from interactions.log import queries
from interactions.log.models import Interaction
from interactions.responses import client_url, done, go_dialog


def _load(request, pk):
    row = get_object_or_404(
        FollowUp.objects.visible_to(request.principal).select_related(
            "client", "assignee", "contact", "author", "closed_by"
        ),
        pk=pk,
    )
    return row


def _load_to_change(request, pk):
    row = _load(request, pk)
    require(
        permissions.may_change_follow_up(request.principal, row), _("This client is in the trash. Restore it first.")
    )
    return row


def _home(follow_up):
    return client_url(follow_up.client) if follow_up.client else reverse("interactions:follow-ups")


@require_GET
def index(request):
    now = timezone.now()
    try:
        context = follow_up_lists.page(request.principal, request.GET, now)
    except BadCursor:
        return go(request, "interactions:follow-ups")
    return render_page(request, "interactions/follow_ups/list.html", context, fragment="rows")


@require_http_methods(["GET", "POST"])
def create(request, client_id):
    client = get_object_or_404(Client.objects.visible_to(request.principal), pk=client_id)
    require(
        permissions.may_change_client(request.principal, client), _("This client is in the trash. Restore it first.")
    )
    now = timezone.now()
    source = (
        Interaction.objects.visible_to(request.principal)
        .filter(client=client, pk=_number(request.GET.get("interaction")))
        .first()
    )
    tomorrow = timezone.localtime(now).date() + timedelta(days=1)
    form = FollowUpForm(request.POST or None, client=client, initial={"assignee": request.user, "due_date": tomorrow})
    if request.method == "POST" and form.is_valid():
        origin = {"source_kind": SourceKind.INTERACTION, "source_id": source.pk} if source else {}
        try:
            row = create_follow_up(request.principal, client=client, now=now, **origin, **form.values())
            return done(
                request,
                _("Follow-up planned."),
                to=client_url(client),
                undo_url=reverse("interactions:follow-up-cancel", args=[row.pk]),
            )
        except ServiceError as error:
            add_to_form(form, error)
    return _form_page(request, form, {"client": client, "title": _("New follow-up"), "submit": _("Plan it")})


def _number(text):
    return int(text) if text and text.isdigit() and len(text) < 18 else None


def _form_page(request, form, context, *, status=None):
    status = status or (422 if form.is_bound else 200)
    context |= {"form": form, "url": request.get_full_path(), "is_dialog": go_dialog(request)}
    if context["is_dialog"]:
        return render(request, "interactions/agreements/form.html#form", context, status=status)
    return render(request, "interactions/agreements/form.html", context, status=status)


@require_http_methods(["GET", "POST"])
def edit(request, pk):
    """One follow-up: changed while it is open, read afterwards."""
    row = _load(request, pk) if request.method == "GET" else _load_to_change(request, pk)
    note_follow_up_read(user=request.user, follow_up=row, now=timezone.now())
    form = FollowUpForm(request.POST or None, client=row.client, follow_up=row, initial=FollowUpForm.initial_of(row))
    context = {
        "follow_up": row,
        "client": row.client,
        "title": row.title,
        "may_change": permissions.may_change_follow_up(request.principal, row),
    }
    context |= {"origin": queries.origin_of(request.principal, row), "submit": _("Save")}
    status = None
    if request.method == "POST" and form.is_valid():
        try:
            seen = form.seen_version()
            update_follow_up(request.principal, follow_up=row, now=timezone.now(), seen_version=seen, **form.values())
            return done(request, _("Saved."), to=_home(row))
        except StaleWrite as error:
            status, context["theirs"], context["who"] = 409, error.current, queries.last_editor(error.current)
        except ServiceError as error:
            add_to_form(form, error)
    if go_dialog(request):
        return _form_page(request, form, context, status=status)
    status = status or (422 if form.is_bound else 200)
    return render(
        request, "interactions/follow_ups/follow_up.html", context | {"form": form, "url": request.path}, status=status
    )


def _act(request, pk, form_class, act, *, title, submit, said, undo="", initial=None):
    """A small form (a dialog, or a page without script) whose valid answer does one thing to a follow-up."""
    row = _load_to_change(request, pk)
    form = form_class(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            act(row, form.cleaned_data)
            return done(request, said, to=_home(row), undo_url=reverse(undo, args=[pk]) if undo else "")
        except ServiceError as error:
            add_to_form(form, error)
    return _form_page(
        request,
        form,
        {
            "client": row.client,
            "title": title,
            "lead": row.title,
            "submit": submit,
            "next": request.GET.get("next", ""),
        },
    )


@require_http_methods(["GET", "POST"])
def complete(request, pk):
    def act(row, data):
        complete_follow_up(request.principal, follow_up=row, outcome=data["outcome"], now=timezone.now())

    words = {
        "title": _("Done"),
        "submit": _("Mark as done"),
        "said": _("Done."),
        "undo": "interactions:follow-up-reopen",
    }
    return _act(request, pk, OutcomeForm, act, **words)


@require_http_methods(["GET", "POST"])
def snooze(request, pk):
    now = timezone.now()

    def act(row, data):
        snooze_follow_up(request.principal, follow_up=row, until=data["until"], now=now)

    morning = timezone.localtime(now).replace(hour=8, minute=0, second=0, microsecond=0) + timedelta(days=1)
    words = {"title": _("Snooze"), "submit": _("Snooze"), "said": _("Snoozed.")}
    return _act(request, pk, SnoozeForm, act, initial={"until": morning}, **words)


@require_http_methods(["GET", "POST"])
def reassign(request, pk):
    def act(row, data):
        reassign_follow_up(request.principal, follow_up=row, assignee=data["assignee"], now=timezone.now())

    words = {"title": _("Reassign"), "submit": _("Hand over"), "said": _("Handed over.")}
    return _act(request, pk, ReassignForm, act, **words)


@require_POST
def reopen(request, pk):
    row = _load_to_change(request, pk)
    reopen_follow_up(request.principal, follow_up=row, now=timezone.now())
    return done(request, _("Open again."), to=_home(row))


@require_POST
def cancel(request, pk):
    row = _load_to_change(request, pk)
    try:
        cancel_follow_up(request.principal, follow_up=row, now=timezone.now())
    except ServiceError as error:
        return done(request, error.message, to=_home(row))
    return done(request, _("Cancelled."), to=_home(row), undo_url=reverse("interactions:follow-up-reopen", args=[pk]))


index.nav_key = "follow-ups"
for view in (edit, complete, snooze, reassign):
    view.nav_key = "follow-ups"
create.nav_key = "clients"
