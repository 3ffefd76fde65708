"""Referrals: the forms, and the page of what each referrer brought."""

from urllib.parse import urlencode

from django.contrib import messages
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clients.page.queries import load_open_client
from clients.permissions import IN_TRASH
from clients.referrals import queries, services
from clients.referrals.forms import ReferralForm
from clients.referrals.models import Referral
from clients.referrals.permissions import may_change_referral
from crm.core.base.errors import ServiceError
from crm.core.base.kept import Kept
from crm.core.base.permissions import require
from crm.core.firm.queries import get_firm
from crm.core.ui.actions import form_action
from crm.core.ui.htmx import back_to, go, posted

KINDS = {"client": gettext_lazy("Client"), "contact": gettext_lazy("Contact"), "source": gettext_lazy("Somebody else")}


@Kept
def _referral(principal, *, pk: int):
    rows = Referral.objects.visible_to(principal).filter(pk=pk)
    return rows.select_related("client", "by_client", "by_contact")


def load_referral(principal, pk: int) -> Referral:
    """404 for one that is out of sight."""
    return _referral.one(principal, pk=pk)


@require_http_methods(["GET", "POST"])
def create(request, client_id):
    client = load_open_client(request.principal, client_id)
    form = ReferralForm(posted(request), principal=request.principal)
    now = timezone.now()
    outcome = form_action(
        request, form, lambda: services.add_referral(request.principal, client=client, now=now, **form.cleaned_data)
    )
    if outcome.is_done:
        messages.success(request, _("Referred by %(name)s") % {"name": outcome.result.referrer})
        return go(request, client.get_absolute_url())
    return _form_page(request, form, outcome, client, _("Add referral"))


@require_http_methods(["GET", "POST"])
def edit(request, pk):
    row, now = load_referral(request.principal, pk), timezone.now()
    require(may_change_referral(request.principal, row), IN_TRASH)
    form = ReferralForm(posted(request), principal=request.principal, instance=row)

    def act():
        seen = form.seen_version()
        return services.update_referral(
            request.principal, referral=row, now=now, seen_version=seen, **form.cleaned_data
        )

    outcome = form_action(request, form, act)
    if outcome.is_done:
        messages.success(request, _("Saved"))
        return go(request, row.client.get_absolute_url())
    return _form_page(request, form, outcome, row.client, _("Edit referral"), referral=row)


def _form_page(request, form, outcome, client, title, referral=None):
    back = client.get_absolute_url()
    trail = [
        {"label": _("Clients"), "url": reverse("clients:list")},
        {"label": client.name, "url": back},
        {"label": title},
    ]
    context = {"form": form, "title": title, "trail": trail, "back_url": back, "conflict": outcome.conflict}
    return render(request, "clients/referrals/form.html", context | {"referral": referral}, status=outcome.status)


@require_POST
def archive(request, pk):
    row = load_referral(request.principal, pk)
    services.archive_referral(request.principal, referral=row, now=timezone.now())
    undo = reverse("clients:referral_restore", args=[pk])
    messages.success(request, _("Referral by %(name)s archived") % {"name": row.referrer}, extra_tags=f"undo:{undo}")
    return go(request, row.client.get_absolute_url())


@require_POST
def restore(request, pk):
    row = load_referral(request.principal, pk)
    try:
        services.restore_referral(request.principal, referral=row)
    except ServiceError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("Referral by %(name)s restored") % {"name": row.referrer})
    return go(request, back_to(request, row.client.get_absolute_url()))


@require_GET
def by_referrer(request):
    """What each referrer brought."""
    found = queries.referrers(request.principal)
    listed = reverse("clients:list")
    rows = [{"row": row, "kind": KINDS[row.kind], "clients_url": f"{listed}?{urlencode(row.query)}"} for row in found]
    context = {"rows": rows, "currency": get_firm().currency, "is_cut": len(found) >= queries.REFERRERS_AT_MOST}
    return render(request, "clients/referrals/by_referrer.html", context)
