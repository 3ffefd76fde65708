"""The page of one client."""

from urllib.parse import urlencode

from django.http import Http404, HttpResponse, HttpResponseBadRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from clients import registry
from clients.page.forms import TimelineForm
from clients.page.header import client_frame, render_panel, render_panels
from clients.page.queries import load_client
from clients.page.timeline import EVERYTHING, moment_of, shared_templates, timeline, timeline_kinds
from crm.core.search import recent
from crm.core.ui.htmx import is_fragment, render_page

FIRST_KINDS = 3  # the others are in a menu


@require_GET
def show(request, client_id):
    now = timezone.now()
    client = load_client(request.principal, client_id)
    try:
        before = moment_of(request.GET.get("before", ""))
    except ValueError:
        return HttpResponseBadRequest(_("This link is incomplete."))
    kinds = timeline_kinds()
    kind = request.GET.get("kind", "")
    kind = kind if kind in dict(kinds) else ""
    said = {name: request.GET[name].strip() for name in TimelineForm.base_fields if request.GET.get(name)}
    form = TimelineForm(said or None, client=client) if said or "filter" in request.GET else None
    narrowing = form.narrowing if form else EVERYTHING
    context = {"client": client, "now": now, "kind": kind, "before": before, "timeline_form": form}
    context |= {"kinds": kinds[:FIRST_KINDS], "more_kinds": kinds[FIRST_KINDS:]}
    context["more_label"] = dict(context["more_kinds"]).get(kind, "")
    context |= {"timeline_url": client.get_absolute_url(), "shared": shared_templates()}
    context |= {"kept": urlencode(said), "is_narrowed": bool(narrowing)}
    context["timeline"] = timeline(request.principal, client, kind=kind, before=before, narrowing=narrowing, now=now)
    if not is_fragment(request):
        context |= client_frame(request, client, "timeline", now=now)
        context |= {
            "main_panels": render_panels(request, client, "main", now=now),
            "side_panels": render_panels(request, client, "side", now=now),
        }
    response = render_page(request, "clients/page/client.html", context, fragment="entries" if before else "timeline")
    recent.remember(request, response, client.pk)
    return response


@require_GET
def strip(request, client_id):
    """Only the metric strip, fetched again after something was logged."""
    now = timezone.now()
    client = load_client(request.principal, client_id)
    return render_page(request, "clients/page/strip.html", client_frame(request, client, "timeline", now=now))


@require_GET
def panel(request, client_id, key):
    """One panel: as a fragment of the client's page for htmx, or on its own page."""
    now, client = timezone.now(), load_client(request.principal, client_id)
    found = registry.panels.get(key)
    if found not in registry.panels.shown(request.principal):
        raise Http404
    piece = render_panel(request, client, found, now=now)
    if is_fragment(request):
        return HttpResponse(piece)
    frame = client_frame(request, client, "timeline", now=now)
    return render_page(request, "clients/page/panel.html", frame | {"piece": piece, "panel": found})
