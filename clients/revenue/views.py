"""Revenue lines and contracts of one client."""

from django.contrib import messages
from django.db import transaction
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clients import permissions
from clients.page.header import client_frame
from clients.page.queries import load_client
from clients.revenue.forms import ContractForm, PriceForm, RevenueForm
from clients.revenue.models import Contract, RevenueLine
from clients.revenue.queries import revenue_by_service
from clients.revenue.services import contracts
from clients.revenue.services.contracts import create_contract, update_contract
from clients.revenue.services.lines import (
    add_revenue_line,
    delete_revenue_line,
    twelve_months,
    undelete_revenue_line,
    update_revenue_line,
)
from crm.core.base.errors import ServiceError, StaleWrite, add_to_form
from crm.core.base.permissions import require
from crm.core.firm.queries import firm_today, get_firm
from crm.core.listing.paging import BadCursor, Sort, paginate
from crm.core.ui.htmx import go

IN_TRASH = "This client is in the trash. Restore it first."


@require_GET
def show(request, client_id):
    now = timezone.now()
    today = firm_today(now)
    client = load_client(request.principal, client_id)
    lines = RevenueLine.objects.filter(client=client).select_related("service")
    try:
        page = paginate(lines, sort=Sort("date", descending=True), cursor=request.GET.get("cursor", ""))
    except BadCursor:
        return go(request, "clients:revenue", client.pk)
    contracts = Contract.objects.filter(client=client).select_related("service").order_by("-start_date", "-pk")
    context = client_frame(request, client, "revenue", now=now) | {"page": page, "today": today, "contracts": contracts}
    context["by_service"] = revenue_by_service(client, *twelve_months(today))
    context["monthly"] = sum(
        (
            row.monthly_value
            for row in contracts
            if row.start_date <= today and (row.end_date is None or row.end_date > today)
        ),
        0,
    )
    return render(request, "clients/revenue/page.html", context)


@require_http_methods(["GET", "POST"])
def add_line(request, client_id):
    now = timezone.now()
    today = firm_today(now)
    client = _load(request, client_id)
    form = RevenueForm(request.POST or None, initial={"date": today, "currency": get_firm().currency})
    if request.method == "POST" and form.is_valid():
        try:
            add_revenue_line(request.principal, client=client, today=today, **form.cleaned_data)
        except ServiceError as error:
            add_to_form(form, error)
        else:
            messages.success(request, _("Revenue booked"))
            return go(request, "clients:revenue", client.pk)
    return _form_page(request, client, form, _("Add revenue"), now)


@require_http_methods(["GET", "POST"])
def edit_line(request, client_id, line_id):
    now = timezone.now()
    client = _load(request, client_id)
    line = get_object_or_404(RevenueLine.objects.filter(client=client), pk=line_id)
    form = RevenueForm(request.POST or None, instance=line)
    if request.method == "POST" and form.is_valid():
        try:
            update_revenue_line(
                request.principal,
                line=line,
                seen_version=form.seen_version(),
                today=firm_today(now),
                **form.cleaned_data,
            )
        except ServiceError as error:
            return _refused(request, client, form, error, _("Edit revenue"), now)
        messages.success(request, _("Saved"))
        return go(request, "clients:revenue", client.pk)
    return _form_page(request, client, form, _("Edit revenue"), now, version=line.version, delete_line=line)


@require_POST
@transaction.atomic
def delete_line(request, client_id, line_id):
    client = _load(request, client_id)
    line = get_object_or_404(RevenueLine.objects.filter(client=client), pk=line_id)
    delete_revenue_line(request.principal, line=line, today=firm_today(timezone.now()))
    undo = reverse("clients:undelete_line", kwargs={"client_id": client.pk, "line_id": line_id})
    messages.success(request, _("Revenue line deleted"), extra_tags=f"undo:{undo}")
    return go(request, "clients:revenue", client.pk)


@require_POST
def undelete_line(request, client_id, line_id):
    client = _load(request, client_id)
    try:
        undelete_revenue_line(request.principal, client=client, line_id=line_id, today=firm_today(timezone.now()))
    except ServiceError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("Revenue line restored"))
    return go(request, "clients:revenue", client.pk)


@require_http_methods(["GET", "POST"])
def add_contract(request, client_id):
    now = timezone.now()
    client = _load(request, client_id)
    form = ContractForm(request.POST or None, initial={"start_date": firm_today(now), "currency": get_firm().currency})
    if request.method == "POST" and form.is_valid():
        try:
            create_contract(request.principal, client=client, **form.cleaned_data)
        except ServiceError as error:
            add_to_form(form, error)
        else:
            messages.success(request, _("Contract entered"))
            return go(request, "clients:revenue", client.pk)
    return _form_page(request, client, form, _("Add a contract"), now)


@require_http_methods(["GET", "POST"])
def edit_contract(request, client_id, contract_id):
    now = timezone.now()
    client = _load(request, client_id)
    contract = get_object_or_404(Contract.objects.filter(client=client), pk=contract_id)
    form = ContractForm(request.POST or None, instance=contract)
    if request.method == "POST" and form.is_valid():
        try:
            update_contract(request.principal, contract=contract, seen_version=form.seen_version(), **form.cleaned_data)
        except ServiceError as error:
            return _refused(request, client, form, error, _("Edit the contract"), now)
        messages.success(request, _("Saved"))
        return go(request, "clients:revenue", client.pk)
    return _form_page(request, client, form, _("Edit the contract"), now, version=contract.version, contract=contract)


@require_http_methods(["GET", "POST"])
def change_price(request, client_id, contract_id):
    now = timezone.now()
    client = _load(request, client_id)
    contract = get_object_or_404(Contract.objects.filter(client=client), pk=contract_id)
    form = PriceForm(request.POST or None, initial={"value": contract.value, "start_date": firm_today(now)})
    if request.method == "POST" and form.is_valid():
        try:
            contracts.change_price(request.principal, contract=contract, **form.cleaned_data)
        except ServiceError as error:
            add_to_form(form, error)
        else:
            messages.success(request, _("New price entered"))
            return go(request, "clients:revenue", client.pk)
    return _form_page(request, client, form, _("Change the price"), now)


def _load(request, client_id):
    client = load_client(request.principal, client_id)
    require(permissions.may_edit(request.principal, client), _(IN_TRASH))
    return client


def _refused(request, client, form, error, title, now):
    add_to_form(form, error)
    stale = isinstance(error, StaleWrite)
    version = error.current.version if stale else form.instance.version
    return _form_page(request, client, form, title, now, version=version, status=409 if stale else 422)


def _form_page(request, client, form, title, now, *, status=None, **more):
    context = client_frame(request, client, "revenue", now=now) | {"form": form, "form_title": title} | more
    return render(request, "clients/revenue/form.html", context, status=status or (422 if form.is_bound else 200))


for view in (show, add_line, edit_line, add_contract, edit_contract, change_price):
    view.nav_key = "clients"
