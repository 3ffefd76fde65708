"""The page of a group: a parent and its subsidiaries, with sums."""

from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from clients.groups.queries import group_of
from clients.page.header import client_frame
from clients.page.queries import load_client
from crm.core.firm.queries import firm_today, get_firm


@require_GET
def show(request, client_id):
    now = timezone.now()
    client = load_client(request.principal, client_id)
    context = client_frame(request, client, "group", now=now)
    context["group"] = group_of(request.principal, client.pk, firm_today(now))
    return render(request, "clients/groups/page.html", context | {"currency": get_firm().currency})
