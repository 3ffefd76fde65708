"""A colleague's own morning mail: as it was sent, or as it would be now."""

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from crm.core.mail.models import OutboxMail
from crm.core.ui.htmx import render_page
from interactions.reminders import digest as content
from interactions.reminders import emails
from interactions.reminders.choices import DIGEST
from interactions.reminders.models import Digest


@require_GET
def digest(request, pk):
    """For its reader alone, whatever the role of others: it names clients that they may not see."""
    row = get_object_or_404(Digest.objects.filter(user=request.user), pk=pk)
    is_planned = row.state in DIGEST.unsent
    parts = content.build(request.principal, timezone.now()) if is_planned else []
    mail = OutboxMail.objects.caused_by(row).order_by("-pk").first()
    context = emails.digest_context(request.user, row.date, parts) | {
        "row": row,
        "mail": mail,
        "is_planned": is_planned,
        "crumbs": [{"label": _("Scheduled"), "url": reverse("core:coming")}, {"label": _("Morning email")}],
    }
    return render_page(request, "interactions/reminders/digest.html", context)
