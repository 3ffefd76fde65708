"""Entering and changing clients."""

from django.contrib import messages
from django.db.models import Value
from django.http import JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clients import permissions
from clients.page.queries import load_client
from clients.records import queries
from clients.records.forms import ClientForm, NewClientForm
from clients.records.models import Client
from clients.records.services.clients import archive_client, create_client, restore_client, update_client
from crm.core.base.errors import ServiceError, StaleWrite, add_to_form
from crm.core.base.models import Folded
from crm.core.base.permissions import require
from crm.core.firm.queries import firm_today
from crm.core.ui.htmx import back_to, go


@require_http_methods(["GET", "POST"])
def create(request):
    require(permissions.may_create(request.principal))
    today = firm_today(timezone.now())
    initial = {"owner": request.user.pk, "status_start": today, "name": request.GET.get("name", "")[:200]}
    form = NewClientForm(request.POST or None, user=request.user, initial=initial)
    if request.method == "POST" and form.is_valid():
        extra = {name: form.cleaned_data[name] for name in ("status", "status_start", "reason")}
        try:
            client = create_client(request.principal, today=today, **extra, **form.service_fields())
        except ServiceError as error:
            add_to_form(form, error)
        else:
            messages.success(request, _("%(name)s entered") % {"name": client.name})
            return go(request, client.get_absolute_url())
    return _answer(request, "clients/page/create.html", {"form": form})


@require_http_methods(["GET", "POST"])
def edit(request, client_id):
    client = load_client(request.principal, client_id)
    require(permissions.may_edit(request.principal, client), _("This client is in the trash. Restore it first."))
    form = ClientForm(request.POST or None, user=request.user, instance=client)
    context = {"form": form, "client": client, "version": client.version}
    if request.method == "POST" and form.is_valid():
        fields = form.service_fields()
        if "owner" in fields:
            require(
                permissions.may_reassign(request.principal, client),
                _("Only the account manager, a manager or an admin hands a client on."),
            )
        try:
            update_client(request.principal, client=client, seen_version=form.seen_version(), **fields)
        except StaleWrite as error:
            return _conflict(request, context, error)
        except ServiceError as error:
            add_to_form(form, error)
        else:
            messages.success(request, _("Saved"))
            return go(request, client.get_absolute_url())
    return _answer(request, "clients/page/edit.html", context)


def _answer(request, template, context, status=None):
    failed = request.method == "POST"
    return render(request, template, context, status=status or (422 if failed else 200))


def _conflict(request, context, error):
    """Both values of every field that differs, and who saved the other; saving again takes the typed ones."""
    form, current = context["form"], error.current
    differences = []
    for name in form.service_fields():
        bound = form[name]
        differences.append(
            {
                "label": bound.label,
                "yours": _words(bound, form.cleaned_data[name]),
                "theirs": "—" if name == "parent" and form.hides_parent else _words(bound, getattr(current, name)),
            }
        )
    context |= {"version": current.version, "who": queries.who_changed(current), "differences": differences}
    return _answer(request, "clients/page/edit.html", context, status=409)


def _words(bound, value):
    if hasattr(value, "all"):
        value = value.all()
    if hasattr(value, "__iter__") and not isinstance(value, str):
        return ", ".join(str(row) for row in value) or "—"
    labels = (
        dict(getattr(bound.field, "choices", [])) if isinstance(value, str) and hasattr(bound.field, "choices") else {}
    )
    return str(labels.get(value, value) or "—") if value is not None else "—"


@require_POST
def archive(request, client_id):
    client = load_client(request.principal, client_id)
    require(permissions.may_edit(request.principal, client), _("This client is in the trash already."))
    archive_client(request.principal, client=client, now=timezone.now())
    undo = reverse("clients:restore", kwargs={"client_id": client.pk})
    messages.success(request, _("%(name)s moved to the trash") % {"name": client.name}, extra_tags=f"undo:{undo}")
    return go(request, back_to(request, reverse("clients:list")))


@require_POST
def restore(request, client_id):
    client = load_client(request.principal, client_id)
    restore_client(request.principal, client=client, now=timezone.now())
    messages.success(request, _("%(name)s restored") % {"name": client.name})
    return go(request, back_to(request, client.get_absolute_url()))


@require_GET
def similar(request):
    """Existing clients that what is being typed may be a duplicate of."""
    query = {name: request.GET.get(name, "")[:200].replace("\0", "") for name in ("name", "email", "website")}
    exclude = request.GET.get("client", "")
    clients = queries.similar_clients(
        request.principal, exclude=int(exclude) if exclude.isdecimal() and len(exclude) < 19 else None, **query
    )
    return render(request, "clients/page/similar.html", {"similar": clients})


@require_GET
def options(request):
    """Clients for a combobox."""
    text = request.GET.get("q", "").replace("\0", "").strip()[:100]
    rows = Client.objects.visible_to(request.principal).kept()
    rows = queries.matching(rows, text) if text else rows
    starts = rows.filter(name_key__startswith=Folded(Value(text))).order_by("name_key", "pk")[:20] if text else []
    found = {row.pk: row for row in [*starts, *rows.order_by("name_key", "pk")[:20]]}
    return JsonResponse(
        {"results": [{"value": row.pk, "text": row.name, "sub": row.city} for row in list(found.values())[:20]]}
    )


create.nav_key = edit.nav_key = "clients"
