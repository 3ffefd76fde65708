"""Search over everything a user may see; the same URL is a page and the list inside the palette."""

from django import forms
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from crm.core.search import recent, sources

PALETTE = "palette"


class SearchForm(forms.Form):
    q = forms.CharField(required=False, max_length=200)
    fragment = forms.CharField(required=False, max_length=20)


@require_safe
def search(request):
    form = SearchForm(request.GET)
    values = form.cleaned_data if form.is_valid() else {"q": "", "fragment": ""}
    text, is_palette = values["q"].strip(), values["fragment"] == PALETTE
    groups = _found(request, text, limit=6 if is_palette else 20) if text else _offered(request)
    if is_palette:
        return render(request, "components/palette_results.html", {"groups": groups, "q": text})
    total = sum(len(group["items"]) for group in groups) if text else None
    return render(request, "core/search/page.html", {"groups": groups, "q": text, "total": total})


def _found(request, text, limit):
    found = sources.find(request.principal, text, limit=limit)
    groups = [{"label": source.label, "items": hits} for source, hits in found]
    hits, is_first = sources.commands(request.principal, text, recent.client_ids(request))
    commands = [{"label": _("Commands and pages"), "items": hits}] if hits else []
    return commands + groups if is_first else groups + commands


def _offered(request):
    """Offered before anything is typed: recent clients and common commands."""
    looked_at = sources.recent(request.principal, recent.client_ids(request))
    pairs = ((_("Last viewed"), looked_at), (_("Commands"), sources.common(request.principal)))
    return [{"label": label, "items": hits} for label, hits in pairs if hits]
