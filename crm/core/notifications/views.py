"""The user's notifications: a list, marked as read one by one or all at once."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from crm.core.listing import filters
from crm.core.listing.pages import ListPage, View
from crm.core.notifications import services as notifications
from crm.core.notifications.models import Notification
from crm.core.ui.htmx import local_path


class NotificationFilters(filters.ListFilters):
    show = filters.Choice(
        choices=[("unread", _lazy("Unread")), ("all", _lazy("All"))], method="of_part", label=_lazy("Which")
    )

    def of_part(self, rows, name, value):
        return rows.filter(read_at__isnull=True) if value == "unread" else rows


def _fold(rows, listing):
    """Show the first three of each kind; fold the others below them."""
    by_kind: dict[str, list] = {}
    for row in rows:
        by_kind.setdefault(row.kind, []).append(row)
    for alike in by_kind.values():
        for row in alike[SHOWN_OF_A_KIND:]:
            row.is_folded = True
        if alike[SHOWN_OF_A_KIND:]:
            alike[SHOWN_OF_A_KIND - 1].folded = alike[SHOWN_OF_A_KIND:]


SHOWN_OF_A_KIND = 3
NOTIFICATIONS = ListPage(
    url_name="core:notifications",
    title=_lazy("Notifications"),
    template="core/notifications/list.html",
    rows=lambda principal: Notification.objects.visible_to(principal),
    decorate=_fold,
    filters=NotificationFilters,
    defaults=lambda principal: {"show": "unread"},
    view_by=("show",),
    views=(View(_lazy("Unread")), View(_lazy("All"), {"show": "all"})),
    sorts={"newest": "-created_at"},
    is_counted=False,
    has_views=False,
    has_columns=False,
    words={"unread": _lazy("Unread:"), "read": _lazy("Mark as read")},
    more=lambda listing: {"has_unread": any(row.read_at is None for row in listing.page.rows)},
)


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
