"""The opportunities of one client, in a tab of its page."""

from django.utils import timezone
from django.views.decorators.http import require_safe

from clients.opportunities.lists import CLIENT_OPPORTUNITIES
from clients.page.header import client_frame
from clients.page.queries import load_client


@require_safe
def show(request, client_id):
    client = load_client(request.principal, client_id)
    context = client_frame(request, client, "opportunities", now=timezone.now())
    listing = CLIENT_OPPORTUNITIES.of(request, client_id=client_id)
    return CLIENT_OPPORTUNITIES.answer(request, listing, within="clients/opportunities/tab.html", **context)
