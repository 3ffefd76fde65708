"""The choices of a combobox: found and ranked as the search does."""

from collections.abc import Callable, Iterable
from typing import Any

from django.http import JsonResponse
from django.views.decorators.http import require_GET

from crm.core.search.sources import Hit, find

AT_MOST = 20


def options_of(source: str, offered: Callable[[Any], Iterable[Hit]]) -> Callable[..., JsonResponse]:
    """The view with the choices from a source of the search, which needs no list of its own; `offered(principal)` are those before anything is
    typed. Their hits have a `pk`.
    """

    @require_GET
    def options(request):
        text = request.GET.get("q", "").replace("\0", "").strip()
        if text:
            hits = [hit for group in find(request.principal, text, limit=AT_MOST, only=source) for hit in group.hits]
        else:
            hits = list(offered(request.principal))[:AT_MOST]
        return JsonResponse({"results": [{"value": hit.pk, "text": hit.title, "sub": _sub(hit)} for hit in hits]})

    return options


def _sub(hit: Hit) -> str:
    return " · ".join(filter(None, [hit.client, hit.detail]))
