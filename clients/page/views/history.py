"""Who changed what about a client, as far as the reader sees the rows."""

from django.db.models import Q
from django.utils import timezone
from django.views.decorators.http import require_safe

from clients.page.header import client_frame
from clients.page.queries import load_client
from clients.records.models import Client
from crm.core.history import queries as records
from crm.core.ui.htmx import render_page


@require_safe
def show(request, client_id):
    client, before = load_client(request.principal, client_id), request.GET.get("before", "")
    page = records.read(request.principal, marks=records.marks_of(before), within=_of_client(client_id))
    context = client_frame(request, client, "history", now=timezone.now()) | {"page": page, "is_later": bool(before)}
    return render_page(request, "clients/page/history.html", context)


def _of_client(client_id: int) -> records.Within:
    """The client's own history, and that of all rows that name the client."""

    def within(event):
        model = event.pgh_tracked_model
        if model is Client:
            return Q(pgh_obj_id=client_id)
        names = any(f.name == "client" and f.related_model is Client for f in model._meta.concrete_fields)
        return Q(client_id=client_id) if names else None

    return within
