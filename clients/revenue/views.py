"""Revenue lines and contracts of one client."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clients.currencies.models import ExchangeRate
from clients.engagements.models import Engagement
from clients.page.header import client_frame
from clients.page.queries import load_client, load_open_client
from clients.revenue.forms import ContractForm, PriceForm, RateForm, RevenueForm
from clients.revenue.lists import LINES
from clients.revenue.models import Contract, RevenueLine
from clients.revenue.queries import recurring, revenue_by_service
from clients.revenue.services import contracts
from clients.revenue.services.contracts import create_contract, update_contract
from clients.revenue.services.lines import (
    add_revenue_line,
    delete_revenue_line,
    twelve_months,
    undelete_revenue_line,
    update_revenue_line,
)
from clients.revenue.services.rates import delete_rate, set_rate
from crm.core.base.errors import ServiceError
from crm.core.base.permissions import may_administer, require
from crm.core.base.reading import whole_number
from crm.core.firm.queries import firm_today, get_firm
from crm.core.ui.actions import form_action
from crm.core.ui.htmx import go, posted


@require_GET
def show(request, client_id):
    now = timezone.now()
    today = firm_today(now)
    client = load_client(request.principal, client_id)
    contracts = Contract.objects.kept().filter(client=client).select_related("service").order_by("-start_date", "-pk")
    context = client_frame(request, client, "revenue", now=now) | {"contracts": contracts}
    context["by_service"] = revenue_by_service(client, *twelve_months(today))
    context["recurring"] = recurring(contracts, today)
    return LINES.answer(request, LINES.of(request, client_id=client.pk), within="clients/revenue/page.html", **context)


@require_http_methods(["GET", "POST"])
def add_line(request, client_id):
    client = load_open_client(request.principal, client_id)
    today = firm_today(timezone.now())
    initial = {"date": today, "currency": get_firm().currency}
    initial["engagement"] = whole_number(request.GET.get("engagement"))
    form = RevenueForm(posted(request), principal=request.principal, client=client, initial=initial)

    def act():
        return add_revenue_line(request.principal, client=client, today=today, **form.cleaned_data)

    return _form_page(request, client, form, act, title=_("Add revenue"), done=_("Revenue added"))


@require_http_methods(["GET", "POST"])
def edit_line(request, client_id, line_id):
    client = load_open_client(request.principal, client_id)
    line = _own(RevenueLine.objects.all(), client, line_id)
    form = RevenueForm(posted(request), principal=request.principal, client=client, instance=line)

    def act():
        seen, today = form.seen_version(), firm_today(timezone.now())
        return update_revenue_line(request.principal, line=line, seen_version=seen, today=today, **form.cleaned_data)

    return _form_page(request, client, form, act, title=_("Edit revenue"))


@require_POST
def delete_line(request, client_id, line_id):
    client = load_client(request.principal, client_id)
    line = _own(RevenueLine.objects.all(), client, line_id)
    delete_revenue_line(request.principal, line=line, today=firm_today(timezone.now()))
    undo = reverse("clients:undelete_line", kwargs={"client_id": client.pk, "line_id": line_id})
    messages.success(request, _("Revenue line deleted"), extra_tags=f"undo:{undo}")
    return go(request, "clients:revenue", client.pk)


@require_POST
def undelete_line(request, client_id, line_id):
    client = load_client(request.principal, client_id)
    try:
        undelete_revenue_line(request.principal, client=client, line_id=line_id, today=firm_today(timezone.now()))
    except ServiceError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("Revenue line restored"))
    return go(request, "clients:revenue", client.pk)


@require_http_methods(["GET", "POST"])
def add_contract(request, client_id):
    client = load_open_client(request.principal, client_id)
    initial = {"start_date": firm_today(timezone.now()), "currency": get_firm().currency}
    initial["engagement"] = whole_number(request.GET.get("engagement"))
    form = ContractForm(posted(request), principal=request.principal, client=client, initial=initial)

    def act():
        return create_contract(request.principal, client=client, **form.cleaned_data)

    return _form_page(request, client, form, act, title=_("Add contract"), done=_("Contract added"))


@require_http_methods(["GET", "POST"])
def edit_contract(request, client_id, contract_id):
    client = load_open_client(request.principal, client_id)
    contract = _own(Contract.objects.kept(), client, contract_id)
    form = ContractForm(posted(request), principal=request.principal, client=client, instance=contract)

    def act():
        return update_contract(
            request.principal, contract=contract, seen_version=form.seen_version(), **form.cleaned_data
        )

    return _form_page(request, client, form, act, title=_("Edit the contract"), contract=contract)


@require_http_methods(["GET", "POST"])
def change_price(request, client_id, contract_id):
    client = load_open_client(request.principal, client_id)
    contract = _own(Contract.objects.kept(), client, contract_id)
    initial = {"value": contract.value, "start_date": firm_today(timezone.now())}
    form = PriceForm(posted(request), initial=initial)

    def act():
        return contracts.change_price(request.principal, contract=contract, **form.cleaned_data)

    return _form_page(request, client, form, act, title=_("Change the price"), done=_("New price added"))


@require_http_methods(["GET", "POST"])
def add_rate(request):
    require(may_administer(request.principal))
    today = firm_today(timezone.now())
    form = RateForm(posted(request), own=get_firm().currency, initial={"day": today})
    return _rate_page(request, form, lambda: {**form.cleaned_data}, title=_("Add rate"))


@require_http_methods(["GET", "POST"])
def edit_rate(request, rate_id):
    require(may_administer(request.principal))
    rate = get_object_or_404(ExchangeRate, pk=rate_id, base=get_firm().currency)
    form = RateForm(posted(request), own=rate.base, rate=rate)
    title = _("%(currency)s on %(day)s") % {"currency": rate.currency, "day": date_format(rate.day, "j M Y")}
    return _rate_page(
        request, form, lambda: {"day": rate.day, "currency": rate.currency} | form.cleaned_data, title=title, rate=rate
    )


def _rate_page(request, form, values, *, title, rate=None):
    def act():
        return set_rate(request.principal, today=firm_today(timezone.now()), **values())

    outcome = form_action(request, form, act)
    if outcome.is_done:
        messages.success(request, _("Saved"))
        return go(request, "clients:rates")
    context = {"form": form, "form_title": title, "conflict": outcome.conflict, "rate": rate}
    return render(request, "clients/revenue/rate.html", context, status=outcome.status)


@require_POST
def remove_rate(request, rate_id):
    require(may_administer(request.principal))
    delete_rate(request.principal, rate=get_object_or_404(ExchangeRate, pk=rate_id))
    messages.success(request, _("Rate deleted"))
    return go(request, "clients:rates")


@require_POST
def archive_contract(request, client_id, contract_id):
    client = load_client(request.principal, client_id)
    contract = _own(Contract.objects.all(), client, contract_id)
    contracts.archive_contract(request.principal, contract=contract, now=timezone.now())
    undo = reverse("clients:restore_contract", kwargs={"client_id": client.pk, "contract_id": contract.pk})
    messages.success(request, _("Contract archived"), extra_tags=f"undo:{undo}")
    return go(request, "clients:revenue", client.pk)


@require_POST
def restore_contract(request, client_id, contract_id):
    client = load_client(request.principal, client_id)
    try:
        contracts.restore_contract(request.principal, contract=_own(Contract.objects.all(), client, contract_id))
    except ServiceError as error:
        messages.error(request, str(error.message))
    else:
        messages.success(request, _("Contract restored"))
    return go(request, "clients:revenue", client.pk)


def _own(rows, client, pk):
    return get_object_or_404(rows.filter(client=client).select_related("client"), pk=pk)


def _where_it_began(request, client):
    """The page of the engagement that the address names, or the client's."""
    pk = whole_number(request.GET.get("engagement"))
    named = pk and Engagement.objects.visible_to(request.principal).filter(pk=pk, client=client.pk).exists()
    return ("clients:engagement_tab", pk, "finance") if named else ("clients:revenue", client.pk)


def _form_page(request, client, form, act, *, title, done="", **more):
    outcome = form_action(request, form, act)
    if outcome.is_done:
        messages.success(request, done or _("Saved"))
        return go(request, *_where_it_began(request, client))
    context = client_frame(request, client, "revenue", now=timezone.now()) | more
    context |= {"form": form, "form_title": title, "conflict": outcome.conflict}
    return render(request, "clients/revenue/form.html", context, status=outcome.status)
