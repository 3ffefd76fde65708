"""Who changed what about a client, as far as the reader sees the rows."""

from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.views.decorators.http import require_safe

from clients import registry
from clients.page.header import client_frame
from clients.page.queries import load_client
from clients.records.models import Client
from crm.core.history import queries as records
from crm.core.ui.htmx import render_page

# the columns by which rows name the client they are about; the last two those of merges
OWNS = ("client", "kept", "away")


@require_safe
def show(request, client_id):
    client, before = load_client(request.principal, client_id), request.GET.get("before", "")
    source = registry.successors["clients.client"]
    merges = source.taken_in(request.principal, client_id)
    within = _of_clients([client_id, *(away for _words, _url, away in merges)], source.contexts(client_id))
    page = records.read(request.principal, marks=records.marks_of(before), within=within)
    context = client_frame(request, client, "history", now=timezone.now())
    context |= {"page": page, "is_later": bool(before), "merges": merges}
    return render_page(request, "clients/page/history.html", context)


def _of_clients(ids: list[int], merging: list[Any]) -> records.Within:
    """The history of a client and of those merged into it, and that of all rows that name one of them. A merge is told once, not with
    each row that it moved: `merging` are its contexts.
    """

    def within(event):
        model = event.pgh_tracked_model
        if model is Client:
            return Q(pgh_obj_id__in=ids)
        names = [f.attname for f in model._meta.concrete_fields if f.name in OWNS and f.related_model is Client]
        if not names:
            return None
        named = reduce(or_, (Q(**{f"{name}__in": ids}) for name in names))
        is_merge = any(name != "client_id" for name in names)
        return named if is_merge or not merging else named & ~Q(pgh_context__in=merging)

    return within
