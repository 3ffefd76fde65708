"""A client's status over time, and who may see it."""

from django.contrib import messages
from django.db.models import Prefetch, Q
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clients import permissions, registry
from clients.gate import may_see, viewers
from clients.page.header import client_frame
from clients.page.queries import load_client, load_open_client
from clients.records.forms import AccessForm, StatusForm
from clients.records.models import Client, ClientAccess, StatusPeriod
from clients.records.services import statuses
from clients.records.services.clients import restrict_client, revoke_access, unrestrict_client
from crm.core.base.errors import ServiceError
from crm.core.base.permissions import may_administer, require
from crm.core.firm.queries import firm_today
from crm.core.ui.actions import form_action
from crm.core.ui.htmx import back_to, go, is_fragment, posted, render_page


@require_http_methods(["GET", "POST"])
def change_status(request, client_id):
    now = timezone.now()
    today = firm_today(now)
    client = load_open_client(request.principal, client_id)
    form = StatusForm(posted(request), initial={"start_date": today, "status": client.facts.status})
    outcome = form_action(
        request,
        form,
        lambda: statuses.change_status(request.principal, client=client, today=today, **form.cleaned_data),
    )
    if outcome.is_done:
        messages.success(request, _("Status changed"))
        return go(request, client.get_absolute_url())
    context = {"form": form, "client": client}
    if not is_fragment(request):
        context |= client_frame(request, client, "timeline", now=now)
    return render_page(request, "clients/page/status.html", context, fragment="form", status=outcome.status)


@require_POST
def withdraw_status(request, client_id, period_id):
    client = load_client(request.principal, client_id)
    period = get_object_or_404(StatusPeriod.objects.filter(client=client), pk=period_id)
    try:
        statuses.withdraw_status(request.principal, period=period, today=firm_today(timezone.now()))
    except ServiceError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("Undone: %(status)s") % {"status": period.get_status_display()})
    return go(request, client.get_absolute_url())


@require_http_methods(["GET", "POST"])
def access(request, client_id):
    """Restrict a client, or name one more colleague who may see it."""
    client = load_client(request.principal, client_id)
    require(permissions.may_restrict(request.principal, client))
    form = AccessForm(posted(request))

    def act():
        named = [form.cleaned_data["user"]] if form.cleaned_data["user"] else []
        return restrict_client(request.principal, client=client, users=named, reason=form.cleaned_data["reason"])

    outcome = form_action(request, form, act)
    if outcome.is_done:
        messages.success(request, _("%(name)s is restricted now") % {"name": client.name})
        return _go_if_seen(request, client, reverse("clients:access", args=[client.pk]))
    accesses = client.accesses.select_related("user", "granted_by").order_by("user__name")
    context = {"form": form, "accesses": accesses} | client_frame(request, client, "timeline", now=timezone.now())
    return render(request, "clients/page/access.html", context, status=outcome.status)


@require_http_methods(["GET", "POST"])
def lift(request, client_id):
    """Shows who will see the client, then lifts its restriction. Admins may do so even for a client they cannot see."""
    seen = Q(pk__in=Client.objects.visible_to(request.principal).values("pk"))
    client = get_object_or_404(
        Client.objects.filter(seen | Q(is_restricted=True) if request.user.is_admin else seen), pk=client_id
    )
    require(permissions.may_lift_restriction(request.principal, client))
    if request.method == "GET":
        context = {"client": client, "back": back_to(request, reverse("clients:list"))}
        context["viewers"] = viewers(client, is_restricted=False).exclude(pk__in=viewers(client, is_restricted=True))
        return render(request, "clients/page/lift.html", context)
    unrestrict_client(request.principal, client=client)
    undo = reverse("clients:restrict_again", args=[client.pk])
    text = _("%(name)s is no longer restricted") % {"name": client.name}
    messages.success(request, text, extra_tags=f"undo:{undo}")
    return _go_if_seen(request, client, client.get_absolute_url())


@require_POST
def restrict_again(request, client_id):
    """Undo of lifting. The named colleagues are still named."""
    client = load_client(request.principal, client_id)
    restrict_client(request.principal, client=client)
    messages.success(request, _("%(name)s is restricted again") % {"name": client.name})
    return _go_if_seen(request, client, client.get_absolute_url())


@require_POST
def revoke(request, client_id, access_id):
    client = load_client(request.principal, client_id)
    row = get_object_or_404(ClientAccess.objects.filter(client=client).select_related("client", "user"), pk=access_id)
    revoke_access(request.principal, access=row)
    messages.success(request, _("%(name)s can no longer see this client") % {"name": row.user.name})
    return _go_if_seen(request, client, reverse("clients:access", args=[client.pk]))


def _go_if_seen(request, client, url):
    """Go to the client's page, or to the list if the user can no longer see the client."""
    return go(request, url if may_see(request.principal, client) else reverse("clients:list"))


@require_GET
def restricted(request):
    """The names of restricted clients. Admins see them only here."""
    require(may_administer(request.principal))
    rows = (
        Client.objects.filter(is_restricted=True)
        .kept()
        .select_related("owner")
        .prefetch_related(Prefetch("accesses", ClientAccess.objects.select_related("user").order_by("user__name")))
        .only("name", "owner__name")
        .order_by("name_key", "pk")
    )
    pieces = [
        render_to_string(names.template, context, request)
        for names in registry.restricted_names
        if (context := names.context()) is not None
    ]
    return render(request, "clients/listing/restricted.html", {"clients": rows[:500], "pieces": pieces})
