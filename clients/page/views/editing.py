"""Adding and editing clients."""

from django.contrib import messages
from django.db import transaction
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clients import permissions
from clients.contacts.services import create_contact
from clients.page.queries import load_client, load_open_client
from clients.records.forms import ClientForm, FirstContactForm, NewClientForm
from clients.records.services.clients import archive_client, create_client, restore_client, update_client
from crm.core.base.errors import ServiceError
from crm.core.base.permissions import require
from crm.core.firm.queries import firm_today
from crm.core.ui.actions import Outcome, form_action
from crm.core.ui.htmx import back_to, go, posted


@require_http_methods(["GET", "POST"])
def create(request):
    require(permissions.may_create(request.principal))
    today = firm_today(timezone.now())
    initial = {"owner": request.user.pk, "status_start": today, "name": request.GET.get("name", "")[:200]}
    teams = list(request.user.memberships.filter(team__archived_at=None).values_list("team_id", flat=True)[:2])
    if len(teams) == 1:
        initial["team"] = teams[0]
    form = NewClientForm(posted(request), user=request.user, initial=initial)
    person = FirstContactForm(posted(request), prefix="contact")

    def act():
        extra = {name: form.cleaned_data[name] for name in ("status", "status_start", "reason")}
        with transaction.atomic():
            client = create_client(request.principal, today=today, **extra, **form.service_fields())
            if contact := person.contact_fields():
                create_contact(request.principal, client=client, is_primary=True, **contact)
        return client

    is_person_wrong = request.method == "POST" and not person.is_valid()
    outcome = Outcome(status=422) if is_person_wrong else form_action(request, form, act)
    if outcome.is_done:
        messages.success(request, _("%(name)s added") % {"name": outcome.result.name})
        return go(request, outcome.result.get_absolute_url())
    return render(request, "clients/page/create.html", {"form": form, "person": person}, status=outcome.status)


@require_http_methods(["GET", "POST"])
def edit(request, client_id):
    client = load_open_client(request.principal, client_id)
    form = ClientForm(posted(request), user=request.user, instance=client)
    outcome = form_action(
        request,
        form,
        lambda: update_client(
            request.principal, client=client, seen_version=form.seen_version(), **form.service_fields()
        ),
        hidden=["parent"] if form.hides_parent else [],
    )
    if outcome.is_done:
        messages.success(request, _("Saved"))
        return go(request, client.get_absolute_url())
    context = {"form": form, "client": client, "conflict": outcome.conflict}
    return render(request, "clients/page/edit.html", context, status=outcome.status)


@require_POST
def archive(request, client_id):
    client = load_client(request.principal, client_id)
    archive_client(request.principal, client=client, now=timezone.now())
    undo = reverse("clients:restore", kwargs={"client_id": client.pk})
    messages.success(request, _("%(name)s archived") % {"name": client.name}, extra_tags=f"undo:{undo}")
    return go(request, back_to(request, reverse("clients:list")))


@require_POST
def restore(request, client_id):
    client = load_client(request.principal, client_id)
    try:
        client = restore_client(request.principal, client=client)
    except ServiceError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("%(name)s restored") % {"name": client.name})
    return go(request, back_to(request, client.get_absolute_url()))
