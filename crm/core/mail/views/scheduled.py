"""Scheduled mail of the next 36 hours, and skipping one."""

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from crm.core.base.errors import ServiceError
from crm.core.mail import pages, scheduled
from crm.core.mail.forms import ComingFilter
from crm.core.ui.htmx import back_to, render_page


@require_GET
def index(request):
    """Managers and admins choose between all and their own; others have their own."""
    form, now = ComingFilter(request.GET), timezone.now()
    values = form.values()
    mine = not request.user.sees_all or values["whose"] == "mine"
    try:
        page = scheduled.page(request.principal, now, mine=mine, only=values["kind"], cursor=values["cursor"])
    except scheduled.BadCursor:
        return redirect("core:coming")
    context = {
        "page": page,
        "days": _by_day(page.entries),
        "now": now,
        "values": values,
        "mine": mine,
        "kinds": [{"value": source.key, "label": source.label} for source in scheduled.sources],
        "tabs": pages.tabs(request.principal, "coming"),
        "is_narrowed": bool(values["kind"] or values["cursor"]),
    }
    return render_page(request, "core/mail/scheduled.html", context)


def _by_day(entries):
    days: dict = {}
    for entry in entries:
        days.setdefault(timezone.localtime(entry.at).date(), []).append(entry)
    return list(days.items())


def _find(request, source_key, pk):
    source = scheduled.find(source_key)
    if source is None or source.skip is None:
        raise Http404
    return source, get_object_or_404(source.visible(request.principal), pk=pk)


@require_POST
def skip(request, source, pk):
    """Skip this mail; the toast has the undo."""
    found, row = _find(request, source, pk)
    try:
        found.skip(request.principal, row, timezone.now())
        undo = f"undo:{reverse('core:coming_restore', args=[source, pk])}" if found.restore else ""
        messages.success(request, _("Skipped. It will not be sent."), extra_tags=undo)
    except ServiceError as error:
        messages.error(request, error.message)
    return redirect(back_to(request, reverse("core:coming")))


@require_POST
def restore(request, source, pk):
    found, row = _find(request, source, pk)
    if found.restore is None:
        raise Http404
    try:
        found.restore(request.principal, row, timezone.now())
        messages.success(request, _("It will be sent."))
    except ServiceError as error:
        messages.error(request, error.message)
    return redirect(back_to(request, reverse("core:coming")))
