"""“What did we agree?”: decisions and promises of one client."""

from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clients.page.header import client_frame
from clients.page.queries import load_client
from clients.records.models import Client
from crm.core.base.errors import ServiceError, add_to_form
from crm.core.base.permissions import require
from interactions import permissions
from interactions.agreements import queries as agreed
from interactions.agreements.choices import CommitmentState
from interactions.agreements.forms import CadenceForm, CommitmentForm, DecisionForm, SettleForm
from interactions.agreements.models import Commitment
from interactions.agreements.services import create_commitment, record_decision, reopen_commitment, settle_commitment
from interactions.cadence.models import Cadence
from interactions.cadence.services import set_cadence
from interactions.responses import client_url, done, go_dialog

SETTLED_WORDS = {
    CommitmentState.KEPT: gettext_lazy("Kept."),
    CommitmentState.BROKEN: gettext_lazy("Broken."),
    CommitmentState.WITHDRAWN: gettext_lazy("Withdrawn."),
    CommitmentState.OPEN: gettext_lazy("Open again."),
}


def _agreed_url(client):
    return reverse("interactions:agreed", args=[client.pk])


def _client_to_change(request, client_id):
    client = get_object_or_404(Client.objects.visible_to(request.principal), pk=client_id)
    require(
        permissions.may_change_client(request.principal, client), _("This client is in the trash. Restore it first.")
    )
    return client


@require_GET
def show(request, client_id):
    now = timezone.now()
    client = load_client(request.principal, client_id)
    context = client_frame(request, client, "agreed", now=now) | agreed.page(request.principal, client, now)
    return render(request, "interactions/agreements/page.html", context)


def _add(request, client, form, create, words):
    """The form page of something agreed, and its answer."""
    if request.method == "POST" and form.is_valid():
        try:
            create(form.cleaned_data)
            return done(request, words["said"], to=_agreed_url(client))
        except ServiceError as error:
            add_to_form(form, error)
    is_dialog = go_dialog(request)
    context = {"form": form, "client": client, "url": request.path, "is_dialog": is_dialog, **words}
    return render(
        request,
        "interactions/agreements/form.html#form" if is_dialog else "interactions/agreements/form.html",
        context,
        status=422 if form.is_bound else 200,
    )


@require_http_methods(["GET", "POST"])
def decide(request, client_id):
    client = _client_to_change(request, client_id)
    today = timezone.localtime(timezone.now()).date()
    form = DecisionForm(
        request.POST if request.method == "POST" else None, client=client, initial={"decided_date": today}
    )

    def create(data):
        record_decision(request.principal, client=client, **data)

    return _add(
        request,
        client,
        form,
        create,
        {"title": _("New decision"), "submit": _("Write it down"), "said": _("Decision written down.")},
    )


@require_http_methods(["GET", "POST"])
def commit(request, client_id):
    client = _client_to_change(request, client_id)
    form = CommitmentForm(request.POST if request.method == "POST" else None, client=client)

    def create(data):
        create_commitment(request.principal, client=client, **data)

    return _add(
        request,
        client,
        form,
        create,
        {"title": _("New promise"), "submit": _("Write it down"), "said": _("Promise written down.")},
    )


@require_POST
def settle(request, pk):
    """Keep, break, withdraw or reopen a promise."""
    commitment = get_object_or_404(Commitment.objects.visible_to(request.principal).select_related("client"), pk=pk)
    require(permissions.may_change_client(request.principal, commitment.client))
    form = SettleForm(request.POST)
    if not form.is_valid():
        return render(
            request,
            "interactions/agreements/form.html",
            {"form": form, "client": commitment.client, "title": commitment.text, "submit": _("Save")},
            status=422,
        )
    state = form.cleaned_data["state"]
    was = commitment.state
    try:
        settle_commitment(request.principal, commitment=commitment, state=state, now=timezone.now())
    except ServiceError as error:
        return done(request, error.message, to=_agreed_url(commitment.client))
    undo = reverse("interactions:commitment-reopen", args=[pk]) if was == CommitmentState.OPEN else ""
    return done(request, SETTLED_WORDS[CommitmentState(state)], to=_agreed_url(commitment.client), undo_url=undo)


@require_POST
def reopen(request, pk):
    commitment = get_object_or_404(Commitment.objects.visible_to(request.principal).select_related("client"), pk=pk)
    require(permissions.may_change_client(request.principal, commitment.client))
    reopen_commitment(request.principal, commitment=commitment, now=timezone.now())
    return done(request, SETTLED_WORDS[CommitmentState.OPEN], to=_agreed_url(commitment.client))


@require_http_methods(["GET", "POST"])
def cadence(request, client_id):
    """How often this client wants to hear from us."""
    client = _client_to_change(request, client_id)
    own = Cadence.objects.filter(client=client).first()
    form = CadenceForm(request.POST if request.method == "POST" else None, initial={"days": own.days if own else None})
    if request.method == "POST" and form.is_valid():
        set_cadence(request.principal, client=client, days=form.cleaned_data["days"])
        return done(request, _("Saved."), to=client_url(client))
    is_dialog = go_dialog(request)
    context = {
        "form": form,
        "client": client,
        "url": request.path,
        "is_dialog": is_dialog,
        "title": _("How often we are in touch"),
        "submit": _("Save"),
    }
    return render(
        request,
        "interactions/agreements/form.html#form" if is_dialog else "interactions/agreements/form.html",
        context,
        status=422 if form.is_bound else 200,
    )


for view in (show, decide, commit, cadence):
    view.nav_key = "clients"
