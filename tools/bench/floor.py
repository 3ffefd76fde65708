"""The floors: the minimal page of this site, with its layout and without. It needs a login like every other page."""

from django.db.models import F
from django.shortcuts import render
from django.views.decorators.http import require_safe

from clients.records.models import Client


@require_safe
def show(request):
    """The site's layout and 25 clients from one query by primary key. Never reachable outside the bench settings."""
    return render(request, "bench/floor.html", {"rows": _rows(request)})


@require_safe
def bare(request):
    """The same rows, in a page of its own without the layout."""
    return render(request, "bench/bare.html", {"rows": _rows(request)})


def _rows(request):
    wanted = [int(pk) for pk in request.GET["ids"].split(",")]
    return Client.objects.filter(pk__in=wanted).values(
        "name", "city", status=F("facts__status"), owner_name=F("owner__name")
    )
