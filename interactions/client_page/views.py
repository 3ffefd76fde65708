"""Cards of the client's page that load on their own."""

from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from clients.records.models import Client
from interactions import permissions
from interactions.client_page.cards import follow_ups_card


@require_GET
def card(request, client_id):
    """The open follow-ups at the side of the client's page, loaded again after a change."""
    client = get_object_or_404(Client.objects.visible_to(request.principal).select_related("facts"), pk=client_id)
    context = follow_ups_card(request.principal, client, timezone.now())
    context |= {"client": client, "may_edit": permissions.may_change_client(request.principal, client)}
    return render(request, "interactions/client_page/follow_ups_card.html", context)
