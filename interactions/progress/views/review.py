"""The review queue of progress emails, and one of them: read, edit, approve, skip, send."""

from dataclasses import replace
from datetime import datetime
from functools import partial

from csp.decorators import csp
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clients.contacts.languages import language_for
from crm.core.base.errors import ServiceError
from crm.core.base.kept import Kept
from crm.core.base.permissions import require
from crm.core.base.zones import zone
from crm.core.drafts.services import discard_draft, find_draft
from crm.core.firm.languages import language_name
from crm.core.firm.queries import get_firm
from crm.core.mail.models import OutboxMail
from crm.core.ui.actions import Outcome, form_action
from crm.core.ui.htmx import posted
from interactions import permissions
from interactions.agreements.models import Decision
from interactions.progress import emails, flags
from interactions.progress import lists as progress_lists
from interactions.progress.choices import PROGRESS, ProgressState
from interactions.progress.forms import ContentForm, SkipForm, WhatNextForm
from interactions.progress.models import ProgressEmail
from interactions.progress.services import drafts, sending
from interactions.progress.sources import decisions_within

FRAME_POLICY = {
    "default-src": ["'none'"],
    "style-src": ["'unsafe-inline'"],
    "img-src": ["data:"],
    "frame-ancestors": ["'self'"],
    "sandbox": "",
}


@Kept
def _email(principal, *, pk: int, now: datetime):
    rows = ProgressEmail.objects.visible_to(principal).select_related("client__owner", "approved_by")
    return flags.with_signs(rows, now).filter(pk=pk)


def get_email(request, pk) -> ProgressEmail:
    return _email.one(request.principal, pk=pk, now=timezone.now())


@require_http_methods(["GET", "POST"])
def progress(request, pk):
    """Read and edit; every button but “Discard” and “Make the draft again” saves what was typed first."""
    email = get_email(request, pk)
    may_edit = _may_edit(request, email)
    typed = find_draft(principal=request.principal, **_draft_of(email)) if may_edit else None
    initial = {name: values[0] for name, values in typed.data.items() if values} if typed else {}
    form, do = ContentForm(posted(request), email=email, initial=initial), WhatNextForm(request.POST).value()
    outcome = Outcome()
    if request.method == "POST":
        require(permissions.may_change_client(request.principal, email.client), permissions.IN_TRASH)
        outcome = _save(request, email, form, do)
    if outcome.is_done:
        return _go_on(request, email, do)
    shown = {"typed": None if form.is_bound else typed, "conflict": outcome.conflict}
    context = _page_context(request, email) | {"form": form, "may_edit": may_edit} | shown
    return render(request, "interactions/progress/email.html", context, status=outcome.status)


def _may_edit(request, email) -> bool:
    """A draft, or an email that could not be drafted and is written by hand."""
    is_there = bool(email.content) or bool(email.problem)
    return is_there and email.state in PROGRESS.open and permissions.may_change_client(request.principal, email.client)


def _draft_of(email):
    return {"kind": "progress", "client_id": email.client_id, "record": str(email.pk)}


def _save(request, email, form, do) -> Outcome:
    """Save an edit, or discard what was typed; the button decides."""

    def act():
        with transaction.atomic():
            if form.says_the_same(email):
                drafts.check_seen(email, form.seen_version())
            else:
                drafts.edit_progress(
                    request.principal,
                    email=email,
                    subject=form.cleaned_data["subject"],
                    content=form.content(),
                    seen_version=form.seen_version(),
                    now=timezone.now(),
                )
            discard_draft(request.principal, **_draft_of(email))

    if do == "redraft":
        return Outcome(is_done=True)
    if do == "discard":
        discard_draft(request.principal, **_draft_of(email))
        return Outcome(is_done=True)
    outcome = form_action(request, form, act)
    if outcome.conflict is None:
        return outcome
    differences = form.differences(get_email(request, email.pk))
    return replace(outcome, conflict=replace(outcome.conflict, differences=differences))


def _go_on(request, email, do):
    """What the button does besides saving."""
    now, user = timezone.now(), request.user
    try:
        if do == "approve":
            drafts.approve_progress(request.principal, email=email, now=now)
            undo = reverse("interactions:progress_unapprove", args=[email.pk])
            messages.success(
                request, _("Approved: %(client)s") % {"client": email.client.name}, extra_tags=f"undo:{undo}"
            )
            return _to_next(request, email)
        if do == "redraft":
            drafts.redraft_progress(request.principal, email=email, now=now)
            discard_draft(request.principal, **_draft_of(email))
            messages.success(request, _("Draft regenerated"))
        elif do == "send":
            sending.send_progress_now(request.principal, email=email, now=now)
            undo = reverse("interactions:progress_unsend", args=[email.pk])
            messages.success(
                request,
                _("Sending in 10 seconds: %(client)s") % {"client": email.client.name},
                extra_tags=f"undo:{undo}",
            )
        elif do == "test":
            sending.send_test(request.principal, email=email, now=now)
            messages.success(request, _("A test is on its way to %(address)s") % {"address": user.email})
        elif do == "save":
            messages.success(request, _("Saved"))
    except ServiceError as error:
        messages.error(request, error.message)
    return redirect("interactions:progress", pk=email.pk)


def _to_next(request, email):
    """To the next email of the queue, or to the list."""
    following = progress_lists.next_to_review(request.principal, email)
    return redirect("interactions:progress", pk=following.pk) if following else redirect("interactions:progress-emails")


def _page_context(request, email):
    now, may_change = timezone.now(), permissions.may_change_client(request.principal, email.client)
    mails = OutboxMail.objects.visible_to(request.principal).caused_by(email).filter(kind="progress")
    crumbs = [
        {"label": _("Progress emails"), "url": reverse("interactions:progress-emails")},
        {"label": email.client.name, "url": reverse("interactions:client_progress", args=[email.client_id])},
    ]
    is_sent = email.state == ProgressState.SENT
    state_text, tone = progress_lists.state_of(email)
    is_decidable = email.state in PROGRESS.decidable and may_change
    mine = Decision.objects.visible_to(request.principal).filter(is_shared=False)
    return {
        "email": email,
        "crumbs": crumbs,
        "flags": [flag for flag in flags.flags(email, now) if flag.key != "problem"],
        "language": language_name(language_for(email.client)),
        "deadline_there": email.deadline_at.astimezone(zone(email.time_zone)).strftime("%H:%M"),
        "state_text": state_text,
        "tone": tone,
        "is_decidable": is_decidable,
        "unshared": decisions_within(mine, email.client, email.covers_from, email.covers_to) if is_decidable else [],
        "is_planned": email.state == ProgressState.PLANNED and may_change,
        "is_sent": is_sent,
        "is_skipped": email.state == ProgressState.SKIPPED and now < email.expires_at and may_change,
        "trouble": drafts.trouble_of(email) if email.content and not is_sent else "",
        "queue": progress_lists.place_in_queue(request.principal, email),
        "recipients": [] if is_sent else flags.recipients_now(email),
        "mails": list(mails.order_by("pk")[:50]) if is_sent else [],
    }


@require_GET
@xframe_options_sameorigin
@csp(FRAME_POLICY)
def progress_preview(request, pk):
    """As the client sees it: what was sent, or what would be with what the user has typed so far."""
    email = get_email(request, pk)
    typed = find_draft(principal=request.principal, **_draft_of(email)) if _may_edit(request, email) else None
    if typed:
        form = ContentForm(QueryDict(urlencode(typed.data, doseq=True)), email=email)
        form.is_valid()
        if not {*form.errors} - {"subject"}:
            email.content = form.content()
    if email.state == ProgressState.SENT:
        html = email.sent_html.replace(emails.STOP, "#")
    elif trouble := drafts.trouble_of(email):
        html = render_to_string("mail/not_shown.html", {"trouble": trouble, "firm": get_firm()})
    else:
        people = flags.recipients_now(email)
        html = emails.render_progress(email, people[0].contact if people else None, stop_url="#")[1]
    return HttpResponse(html)


@require_POST
def progress_skip(request, pk):
    email = get_email(request, pk)
    form = SkipForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    try:
        drafts.skip_progress(request.principal, email=email, reason=reason, now=timezone.now())
    except ServiceError as error:
        messages.error(request, error.message)
        return redirect("interactions:progress", pk=pk)
    undo = reverse("interactions:progress_unskip", args=[pk])
    messages.success(
        request, _("Skipped this week: %(client)s") % {"client": email.client.name}, extra_tags=f"undo:{undo}"
    )
    return _to_next(request, email)


@require_POST
def progress_unskip(request, pk):
    return _back(request, pk, drafts.unskip_progress, _("Restored: %(client)s"))


@require_POST
def progress_unapprove(request, pk):
    return _back(request, pk, drafts.unapprove_progress, _("Approval taken back: %(client)s"))


@require_POST
def progress_unsend(request, pk):
    return _back(request, pk, sending.unsend_progress, _("Not sent: %(client)s"))


@require_POST
def progress_include(request, pk, decision_id):
    """Share a decision with the client and include it in this email."""
    decisions = Decision.objects.visible_to(request.principal).select_related("client")
    decision = get_object_or_404(decisions, pk=decision_id)
    include = partial(drafts.include_decision, decision=decision)
    return _back(request, pk, include, _("Shared with the client, and in this email"))


def _back(request, pk, do, words):
    """Do it and show the email."""
    email = get_email(request, pk)
    try:
        do(request.principal, email=email, now=timezone.now())
        messages.success(request, words % {"client": email.client.name})
    except ServiceError as error:
        messages.error(request, error.message)
    return redirect("interactions:progress", pk=pk)
