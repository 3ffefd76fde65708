"""The user's notifications: a list, marked as read one by one or all at once."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from crm.core.listing import paging
from crm.core.notifications import services as notifications
from crm.core.notifications.models import Notification
from crm.core.ui.htmx import local_path, render_page


@require_GET
def index(request):
    rows = Notification.objects.visible_to(request.principal)
    only_unread = request.GET.get("show") != "all"
    shown = rows.filter(read_at__isnull=True) if only_unread else rows
    try:
        cursor = request.GET.get("cursor", "")
        page = paging.paginate(shown, sort=paging.Sort("created_at", descending=True), cursor=cursor, counted=False)
    except paging.BadCursor:
        return redirect("core:notifications")
    url = reverse("core:notifications")
    views = [
        {"label": _("Unread"), "url": url, "current": only_unread},
        {"label": _("All"), "url": f"{url}?show=all", "current": not only_unread},
    ]
    has_unread = any(row.read_at is None for row in page.rows)
    context = {"page": page, "views": views, "only_unread": only_unread, "has_unread": has_unread}
    return render_page(request, "core/notifications/list.html", context)


@require_POST
def open_one(request, pk):
    """Mark it read and go to what it is about."""
    row = get_object_or_404(Notification.objects.visible_to(request.principal), pk=pk)
    notifications.mark_read(request.principal, notification=row, now=timezone.now())
    return redirect(local_path(row.url, reverse("core:notifications")))


@require_POST
def read_one(request, pk):
    row = get_object_or_404(Notification.objects.visible_to(request.principal), pk=pk)
    notifications.mark_read(request.principal, notification=row, now=timezone.now())
    return redirect("core:notifications")


@require_POST
def read_all(request):
    number = notifications.mark_all_read(request.principal, now=timezone.now())
    words = ngettext("%(n)d marked as read", "%(n)d marked as read", number) % {"n": number}
    messages.success(request, words)
    return redirect("core:notifications")


index.nav_key = "notifications"
