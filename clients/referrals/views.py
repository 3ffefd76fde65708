"""Referrals: the forms, and the page of what each referrer brought."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404
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
from crm.core.base.reading import whole_number
from crm.core.firm.queries import get_firm
from crm.core.listing.files import table_file
from crm.core.ui.actions import form_action
from crm.core.ui.htmx import back_to, go, posted

ON_PAGE, MOST_PAGES = 100, 10_000
FILES = ("csv", "xlsx")
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
    """What each referrer brought, on pages."""
    number = whole_number(request.GET.get("page"), least=1, most=MOST_PAGES) or 1
    first = (number - 1) * ON_PAGE
    found = queries.referrers(request.principal, first=first, last=first + ON_PAGE + 1)
    listed, own, files = (reverse(f"clients:{name}") for name in ("list", "referrers", "referrers_export"))
    shown = found[:ON_PAGE]
    rows = [{"row": row, "kind": KINDS[row.kind], "clients_url": f"{listed}?{urlencode(row.query)}"} for row in shown]
    context = {
        "rows": rows,
        "currency": get_firm().currency,
        "files": [{"label": kind.upper(), "url": f"{files}?as={kind}"} for kind in FILES],
        "start": first + 1,
        "end": first + len(shown),
        "previous_url": f"{own}?page={number - 1}" if number > 1 else "",
        "next_url": f"{own}?page={number + 1}" if len(found) > ON_PAGE else "",
    }
    return render(request, "clients/referrals/by_referrer.html", context)


@require_GET
def export_by_referrer(request):
    """All of them."""
    kind = request.GET.get("as", "csv")
    if kind not in FILES:
        raise Http404
    return table_file(_file_rows(queries.referrers(request.principal)), name="value-by-referrer", kind=kind)


def _file_rows(found):
    yield [
        _("Referrer"),
        _("Kind"),
        _("Clients brought"),
        _("Still clients"),
        _("Revenue, 12 months"),
        _("Lines without a rate"),
    ]
    for row in found:
        yield [row.name, str(KINDS[row.kind]), row.brought, row.still, row.revenue, row.unrated]
