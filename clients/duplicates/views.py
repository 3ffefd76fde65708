"""What people say about possible duplicates, and contacts like the one being typed."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from clients.duplicates import queries, services
from clients.duplicates.models import ClientDuplicate, ContactDuplicate
from clients.records import queries as records
from crm.core.base.errors import ServiceError
from crm.core.base.reading import whole_number
from crm.core.ui.htmx import back_to, go

KINDS = {
    "clients": (ClientDuplicate, "clients:duplicates"),
    "contacts": (ContactDuplicate, "clients:contact_duplicates"),
}


def _pair(request, kind: str, pk: int):
    model, _list = KINDS[kind]
    return get_object_or_404(model.objects.visible_to(request.principal).select_related("first", "second"), pk=pk)


@require_POST
def dismiss(request, kind, pk):
    pair = _pair(request, kind, pk)
    try:
        services.dismiss_duplicate(request.principal, pair=pair, now=timezone.now())
    except ServiceError as error:
        messages.error(request, error.message)
    else:
        words = _("%(one)s and %(other)s are not duplicates.") % {"one": pair.first, "other": pair.second}
        undo = reverse("clients:duplicate_reopen", kwargs={"kind": kind, "pk": pk})
        messages.success(request, words, extra_tags=f"undo:{undo}")
    return go(request, back_to(request, reverse(KINDS[kind][1])))


@require_POST
def reopen(request, kind, pk):
    pair = _pair(request, kind, pk)
    services.reopen_duplicate(request.principal, pair=pair)
    messages.success(request, _("The pair is back on the list of possible duplicates."))
    return go(request, back_to(request, reverse(KINDS[kind][1])))


@require_GET
def similar_clients(request):
    """Existing clients that may be duplicates of the one being typed."""
    query = {name: request.GET.get(name, "")[:200].replace("\0", "") for name in ("name", "email", "website")}
    exclude = request.GET.get("client", "")
    clients = records.similar_clients(request.principal, exclude=whole_number(exclude), **query)
    alike = [(client, queries.likeness_of_typed(client, **query)) for client in clients]
    similar = [
        {
            "record": client,
            "said": queries.said(
                queries.words_of(like.reasons), client.facts.get_status_display(), client.city, client.owner.name
            ),
        }
        for client, like in sorted(alike, key=lambda pair: -pair[1].score)
    ]
    return render(request, "clients/duplicates/similar.html", {"similar": similar})


@require_GET
def similar_contacts(request):
    """Existing contacts that may be duplicates of the one being typed."""
    name = {key: request.GET.get(key, "")[:200].replace("\0", "") for key in ("first_name", "last_name")}
    emails, phones = (
        [text[:200].replace("\0", "") for text in request.GET.getlist(key)[:5]] for key in ("email", "phone")
    )
    exclude = whole_number(request.GET.get("contact", ""))
    found = queries.similar_contacts(request.principal, emails=emails, phones=phones, exclude=exclude, **name)
    similar = [{"record": row, "said": queries.words_of(alike.reasons)} for row, alike in found]
    return render(request, "clients/duplicates/similar.html", {"similar": similar})
