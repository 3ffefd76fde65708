"""The floor: the least that a page of this site can be. Closed by login like every other."""

from django.db.models import F
from django.shortcuts import render
from django.views.decorators.http import require_safe

from clients.records.models import Client


@require_safe
def show(request):
    """The site's layout and 25 clients from one query by primary key. Never reachable outside the bench settings."""
    wanted = [int(pk) for pk in request.GET["ids"].split(",")]
    rows = Client.objects.filter(pk__in=wanted).values(
        "name", "city", status=F("facts__status"), owner_name=F("owner__name")
    )
    return render(request, "bench/floor.html", {"rows": rows})
