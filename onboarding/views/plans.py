"""Starting a plan from the list of plans."""

from django.views.decorators.http import require_GET

from clients.records.models import Client
from clients.records.queries import matching
from crm.core.ui.htmx import render_page

SHOWN = 20


@require_GET
def choose_client(request):
    """The first step of starting a plan from the list: choose the client, by name; without a text, the newest
    clients.
    """
    text = request.GET.get("q", "").replace("\0", "").strip()[:100]
    rows = Client.objects.visible_to(request.principal).kept().select_related("facts", "owner")
    rows = matching(rows, text).order_by("name_key", "pk") if text else rows.order_by("-created_at", "-pk")
    return render_page(request, "onboarding/choose_client.html", {"clients": rows[:SHOWN], "q": text})
