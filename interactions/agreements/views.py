"""Decisions and commitments of one client."""

from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clients.page.header import client_frame
from clients.page.queries import load_client
from clients.records.models import Client
from crm.core.base.errors import ServiceError
from crm.core.base.kept import Kept
from crm.core.base.permissions import require
from crm.core.base.reading import whole_number
from crm.core.ui.actions import Outcome, form_action
from crm.core.ui.htmx import posted
from interactions import permissions
from interactions.agreements import queries as agreed
from interactions.agreements.choices import CommitmentState
from interactions.agreements.forms import CadenceForm, CommitmentForm, DecisionForm, SettleForm
from interactions.agreements.models import Commitment
from interactions.agreements.services import create_commitment, record_decision, reopen_commitment, settle_commitment
from interactions.cadence.models import Cadence
from interactions.cadence.services import set_cadence
from interactions.responses import client_url, done, small_form

SETTLED_WORDS = {
    CommitmentState.KEPT: gettext_lazy("Kept."),
    CommitmentState.BROKEN: gettext_lazy("Marked as broken."),
    CommitmentState.WITHDRAWN: gettext_lazy("Withdrawn."),
    CommitmentState.OPEN: gettext_lazy("Reopened."),
}


def _agreed_url(client):
    return reverse("interactions:agreed", args=[client.pk])


def _client_to_change(request, client_id):
    client = get_object_or_404(Client.objects.visible_to(request.principal), pk=client_id)
    require(permissions.may_change_client(request.principal, client), permissions.IN_TRASH)
    return client


@Kept
def _promise(principal, *, pk: int):
    return Commitment.objects.visible_to(principal).select_related("client").filter(pk=pk)


def _commitment(request, pk):
    return _promise.one(request.principal, pk=pk)


@require_GET
def show(request, client_id):
    now = timezone.now()
    client = load_client(request.principal, client_id)
    context = client_frame(request, client, "agreed", now=now) | agreed.page(request.principal, client, now)
    return render(request, "interactions/agreements/page.html", context)


@require_http_methods(["GET", "POST"])
def decide(request, client_id):
    client = _client_to_change(request, client_id)
    today = timezone.localtime(timezone.now()).date()
    initial = {"decided_date": today, "engagement": whole_number(request.GET.get("engagement"))}
    form = DecisionForm(posted(request), client=client, principal=request.principal, initial=initial)
    outcome = form_action(request, form, lambda: record_decision(request.principal, client=client, **form.cleaned_data))
    if outcome.is_done:
        return done(request, _("Decision saved."), to=_agreed_url(client))
    return small_form(request, form, outcome, client=client, title=_("New decision"), submit=_("Save"))


@require_http_methods(["GET", "POST"])
def commit(request, client_id):
    client = _client_to_change(request, client_id)
    initial = {"engagement": whole_number(request.GET.get("engagement"))}
    form = CommitmentForm(posted(request), client=client, principal=request.principal, initial=initial)
    outcome = form_action(
        request, form, lambda: create_commitment(request.principal, client=client, **form.cleaned_data)
    )
    if outcome.is_done:
        return done(request, _("Commitment saved."), to=_agreed_url(client))
    return small_form(request, form, outcome, client=client, title=_("New commitment"), submit=_("Save"))


@require_POST
def settle(request, pk):
    """Keep, break, withdraw or reopen a commitment."""
    commitment = _commitment(request, pk)
    client, was, form = commitment.client, commitment.state, SettleForm(request.POST)
    if not form.is_valid():
        refused = Outcome(status=422)
        return small_form(request, form, refused, client=client, title=commitment.text, submit=_("Save"))
    state = form.cleaned_data["state"]
    try:
        settle_commitment(request.principal, commitment=commitment, state=state, now=timezone.now())
    except ServiceError as error:
        return done(request, error.message, to=_agreed_url(client))
    undo = reverse("interactions:commitment-reopen", args=[pk]) if was == CommitmentState.OPEN else ""
    return done(request, SETTLED_WORDS[CommitmentState(state)], to=_agreed_url(client), undo_url=undo)


@require_POST
def reopen(request, pk):
    commitment = _commitment(request, pk)
    reopen_commitment(request.principal, commitment=commitment, now=timezone.now())
    return done(request, SETTLED_WORDS[CommitmentState.OPEN], to=_agreed_url(commitment.client))


@require_http_methods(["GET", "POST"])
def cadence(request, client_id):
    """How often we contact this client."""
    client = _client_to_change(request, client_id)
    own = Cadence.objects.filter(client=client).first()
    form = CadenceForm(posted(request), initial={"days": own.days if own else None})
    outcome = form_action(request, form, lambda: set_cadence(request.principal, client=client, **form.cleaned_data))
    if outcome.is_done:
        return done(request, _("Saved."), to=client_url(client))
    return small_form(request, form, outcome, client=client, title=_("How often we are in touch"), submit=_("Save"))
