"""What is open and billed of a long list of invoices: after its page, or without script on a page of its own."""

from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clients.invoices.lists import INVOICES, sums_of
from crm.core.ui.htmx import is_fragment


@require_safe
def show(request):
    listing = INVOICES.of(request)
    context = sums_of(listing)
    if is_fragment(request):
        return render(request, "clients/invoices/sums.html", context)
    trail = [{"label": _("Invoices"), "url": listing.shown_url}, {"label": _("Open and billed")}]
    return render(request, "clients/invoices/sums_page.html", context | {"trail": trail, "listing": listing})
