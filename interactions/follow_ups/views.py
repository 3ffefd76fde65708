"""Follow-ups: the list, the form, and the actions on one."""

from datetime import datetime, time
from functools import partial

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clients.records.models import Client
from clients.referrals.models import Referral
from crm.core.base.errors import ServiceError
from crm.core.base.kept import Kept
from crm.core.base.permissions import require
from crm.core.base.reading import whole_number
from crm.core.firm.calendar import next_working_day
from crm.core.firm.queries import get_firm
from crm.core.ui.actions import form_action
from crm.core.ui.dialogs import in_dialog
from crm.core.ui.htmx import posted
from interactions import permissions
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
from interactions.follow_ups.thanks import plan_thanks
from interactions.log.models import Interaction
from interactions.log.queries import origin_of
from interactions.responses import client_url, done, small_form


@Kept
def _follow_up(principal, *, pk: int):
    rows = FollowUp.objects.visible_to(principal).filter(pk=pk)
    return rows.select_related("client", "assignee", "contact", "author", "closed_by")


def _load(request, pk):
    return _follow_up.one(request.principal, pk=pk)


def _load_to_change(request, pk):
    row = _load(request, pk)
    require(permissions.may_change_follow_up(request.principal, row), permissions.IN_TRASH)
    return row


def _home(follow_up):
    return client_url(follow_up.client) if follow_up.client else reverse("interactions:follow-ups")


@require_POST
def thank(request, pk):
    """Plan a thank-you for a referral."""
    referral = get_object_or_404(Referral.objects.visible_to(request.principal).kept().select_related("client"), pk=pk)
    try:
        follow_up = plan_thanks(request.principal, referral=referral, now=timezone.now())
    except ServiceError as error:
        messages.error(request, error.message)
        return redirect(referral.client)
    undo = reverse("interactions:follow-up-cancel", args=[follow_up.pk])
    day = date_format(follow_up.due_date, "j M")
    messages.success(request, _("Thank-you planned for %(day)s") % {"day": day}, extra_tags=f"undo:{undo}")
    return redirect(referral.client)


@require_http_methods(["GET", "POST"])
def create(request, client_id):
    client = get_object_or_404(Client.objects.visible_to(request.principal), pk=client_id)
    require(permissions.may_add_follow_up(request.principal, client), permissions.IN_TRASH)
    now = timezone.now()
    origin = _origin(request, client)
    named = origin.get("engagement")
    engagement = named.pk if named else whole_number(request.GET.get("engagement"))
    initial = {"assignee": request.user, "due_date": next_working_day(get_firm(), now), "engagement": engagement}
    form = FollowUpForm(posted(request), client=client, principal=request.principal, initial=initial)
    outcome = form_action(
        request,
        form,
        lambda: create_follow_up(request.principal, client=client, now=now, **origin | form.cleaned_data),
    )
    if outcome.is_done:
        undo = reverse("interactions:follow-up-cancel", args=[outcome.result.pk])
        return done(request, _said(_("“%(title)s” added"), outcome.result), to=client_url(client), undo_url=undo)
    return small_form(request, form, outcome, client=client, title=_("New follow-up"), submit=_("Add follow-up"))


def _origin(request, client):
    """The source of a follow-up that is planned from an interaction of the client."""
    rows = Interaction.objects.visible_to(request.principal).filter(client=client).select_related("engagement")
    source = rows.filter(pk=whole_number(request.GET.get("interaction"))).first()
    if source is None:
        return {}
    return {"source_kind": SourceKind.INTERACTION, "source_id": source.pk, "engagement": source.engagement}


@require_http_methods(["GET", "POST"])
def edit(request, pk):
    """One follow-up: edited while it is open, read-only once it is closed."""
    row, now = (_load if request.method == "GET" else _load_to_change)(request, pk), timezone.now()
    note_follow_up_read(user=request.user, follow_up=row, now=now)
    form = FollowUpForm(posted(request), client=row.client, principal=request.principal, instance=row)
    outcome = form_action(
        request,
        form,
        lambda: update_follow_up(
            request.principal, follow_up=row, now=now, seen_version=form.seen_version(), **form.cleaned_data
        ),
    )
    if outcome.is_done:
        return done(request, _("Saved."), to=_home(row))
    context = {"client": row.client, "title": row.title, "submit": _("Save")}
    if in_dialog(request):
        return small_form(request, form, outcome, **context)
    context |= {
        "follow_up": row,
        "form": form,
        "url": request.path,
        "conflict": outcome.conflict,
        "may_change": permissions.may_change_follow_up(request.principal, row),
        "origin": origin_of(request.principal, row),
        "crumbs": [{"label": _("Follow-ups"), "url": reverse("interactions:follow-ups")}, {"label": row.title}],
    }
    return render(request, "interactions/follow_ups/follow_up.html", context, status=outcome.status)


def _act(request, pk, form_class, act, *, title, submit, said, undo="", initial=None):
    """A small form that does one thing to a follow-up. `said`: the text of the toast, from the current row; `undo`: the
    URL, or its name, of the undo.
    """
    row = _load_to_change(request, pk)
    form = form_class(posted(request), initial=initial)
    outcome = form_action(request, form, lambda: act(request.principal, follow_up=row, **form.cleaned_data))
    if outcome.is_done:
        undo_url = reverse(undo, args=[pk]) if undo and not undo.startswith("/") else undo
        return done(request, said(outcome.result), to=_home(row), undo_url=undo_url)
    return small_form(request, form, outcome, client=row.client, title=title, lead=row.title, submit=submit)


@require_http_methods(["GET", "POST"])
def complete(request, pk):
    words = {"title": _("Done"), "submit": _("Mark as done"), "said": partial(_said, _("“%(title)s” done"))}
    act = partial(complete_follow_up, now=timezone.now())
    return _act(request, pk, OutcomeForm, act, undo="interactions:follow-up-reopen", **words)


@require_http_methods(["GET", "POST"])
def snooze(request, pk):
    now = timezone.now()
    morning = timezone.make_aware(datetime.combine(next_working_day(get_firm(), now), time(8)))

    def said(row):
        until = date_format(timezone.localtime(row.snoozed_until), "D j M, H:i")
        return _("“%(title)s” snoozed until %(until)s") % {"title": row.title, "until": until}

    words = {"title": _("Snooze"), "submit": _("Snooze"), "said": said}
    return _act(request, pk, SnoozeForm, partial(snooze_follow_up, now=now), initial={"until": morning}, **words)


@require_http_methods(["GET", "POST"])
def reassign(request, pk):
    """With `back` in the URL, a POST gives it back to that colleague: the toast's undo."""
    row = _load_to_change(request, pk)
    if request.method == "POST" and "back" in request.GET and "assignee" not in request.POST:
        form = ReassignForm({"assignee": request.GET["back"]})
        if form.is_valid():
            row = reassign_follow_up(request.principal, follow_up=row, now=timezone.now(), **form.cleaned_data)
        return done(request, _reassigned(row), to=_home(row))
    words = {"title": _("Reassign"), "submit": _("Reassign"), "said": _reassigned}
    undo = f"{reverse('interactions:follow-up-reassign', args=[pk])}?back={row.assignee_id}"
    return _act(request, pk, ReassignForm, partial(reassign_follow_up, now=timezone.now()), undo=undo, **words)


def _said(words, row):
    return words % {"title": row.title}


def _reassigned(row):
    return _("“%(title)s” reassigned to %(name)s") % {"title": row.title, "name": row.assignee.name}


@require_POST
def reopen(request, pk):
    row = _load(request, pk)
    reopen_follow_up(request.principal, follow_up=row, now=timezone.now())
    return done(request, _said(_("“%(title)s” reopened"), row), to=_home(row))


@require_POST
def cancel(request, pk):
    row = _load(request, pk)
    try:
        cancel_follow_up(request.principal, follow_up=row, now=timezone.now())
    except ServiceError as error:
        return done(request, error.message, to=_home(row))
    said = _said(_("“%(title)s” cancelled"), row)
    return done(request, said, to=_home(row), undo_url=reverse("interactions:follow-up-reopen", args=[pk]))
