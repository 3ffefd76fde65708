"""htmx helpers: a fragment of the same page, events instead of scripts."""

import json
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx requests a fragment (a boosted or history-restoring request needs the whole page)."""
    return bool(request.htmx) and not request.htmx.boosted and not request.htmx.history_restore_request  # type: ignore[attr-defined]


def render_page(
    request: HttpRequest, template: str, context: dict[str, Any], *, fragment: str = "", status: int = 200
) -> HttpResponse:
    """The page, or for htmx the named partial of the same template (`clients/listing/list.html#table`)."""
    name = f"{template}#{fragment}" if fragment and is_fragment(request) else template
    return render(request, name, context, status=status)


def posted(request: HttpRequest):
    """The data to bind a form to: the POSTed data (even if empty), or None for a GET."""
    return request.POST if request.method == "POST" else None


def add_event(response: HttpResponse, name: str, detail: Any = None) -> HttpResponse:
    """Add an event to HX-Trigger; the page's modules react to it (`toast`, `refresh:timeline` …)."""
    events = json.loads(response.headers.get("HX-Trigger", "{}"))
    events[name] = detail
    response.headers["HX-Trigger"] = json.dumps(events)
    return response


def toast(response: HttpResponse, text: str, *, tone: str = "", undo_url: str = "") -> HttpResponse:
    """Show what was done, with an undo button that POSTs."""
    return add_event(response, "toast", {"text": str(text), "tone": tone, "undo_url": undo_url})


def go(request: HttpRequest, to: str, *args: Any, **kwargs: Any) -> HttpResponse:
    """Redirect; for htmx, have the browser load the new page."""
    url = to if to.startswith("/") else reverse(to, args=args, kwargs=kwargs)
    if is_fragment(request):
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return redirect(url)


def back_to(request: HttpRequest, default: str) -> str:
    """The local URL in `next` of the form or query, else `default`."""
    return local_path(request.POST.get("next") or request.GET.get("next") or "", default)


def local_path(wanted: str, default: str) -> str:
    """The URL if it is a path on this site, without a host; else `default`."""
    return wanted if wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, None) else default


def came_from(request: HttpRequest) -> str:
    """The path of the page of this site that the request was sent from, "" where none is known."""
    url = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer") or "")
    return url.path if url.netloc == request.get_host() else ""


def is_from_here(request: HttpRequest) -> bool:
    """Called from this machine, and not through a proxy on it."""
    forwarded = any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-Ip"))
    try:
        return not forwarded and ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
