"""Who changed what about a client, as far as the reader sees the rows."""

from functools import reduce
from operator import or_

from django.db.models import Q
from django.utils import timezone
from django.views.decorators.http import require_safe

from clients import registry
from clients.page.header import client_frame
from clients.page.queries import load_client
from clients.records.models import Client
from crm.core.history import queries as records
from crm.core.ui.htmx import render_page

OWNS = (
    "client",
    "kept",
    "away",
)  # the columns by which rows name the client they are about; the last two those of merges


@require_safe
def show(request, client_id):
    client, before = load_client(request.principal, client_id), request.GET.get("before", "")
    page = records.read(request.principal, marks=records.marks_of(before), within=_of_client(client_id))
    merges = registry.successors["clients.client"].taken_in(request.principal, client_id)
    context = client_frame(request, client, "history", now=timezone.now())
    context |= {"page": page, "is_later": bool(before), "merges": merges}
    return render_page(request, "clients/page/history.html", context)


def _of_client(client_id: int) -> records.Within:
    """The client's own history, and that of all rows that name the client."""

    def within(event):
        model = event.pgh_tracked_model
        if model is Client:
            return Q(pgh_obj_id=client_id)
        names = [f.attname for f in model._meta.concrete_fields if f.name in OWNS and f.related_model is Client]
        return reduce(or_, (Q(**{name: client_id}) for name in names)) if names else None

    return within
