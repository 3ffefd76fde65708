"""A client's progress emails: the schedule, who gets them, what was sent."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clients.contacts.languages import language_for
from clients.page.header import client_frame
from clients.page.queries import load_client
from crm.core.base.permissions import require
from crm.core.firm.languages import language_name
from crm.core.ui.actions import form_action
from crm.core.ui.htmx import posted
from interactions import permissions
from interactions.progress import flags
from interactions.progress import lists as progress_lists
from interactions.progress.forms import ResumeForm, ScheduleForm
from interactions.progress.models import ProgressEmail, ProgressRecipient, ProgressSchedule
from interactions.progress.services.schedules import resume_recipient, set_schedule
from interactions.progress.times import next_days

SHOWN = 52


@require_GET
def client_progress(request, client_id):
    return _progress_page(request, load_client(request.principal, client_id))


def _resume_form(recipient, data=None) -> ResumeForm:
    return ResumeForm(data, auto_id=f"resume-{recipient.pk}-%s")


def _progress_page(request, client, *, resume: tuple[int, ResumeForm] | None = None):
    """`resume`: the recipient who should get emails again, and the form about it that could not be saved."""
    now = timezone.now()
    schedule = ProgressSchedule.objects.filter(client=client).select_related("client").first()
    rows = flags.with_signs(ProgressEmail.objects.filter(client=client), now)
    emails = list(rows.select_related("approved_by").defer("sent_text", "sent_html").order_by("-send_at")[:SHOWN])
    progress_lists.decorate(emails, now)
    recipients = list(schedule.recipients.select_related("contact").order_by("pk")) if schedule else []
    for recipient in recipients:
        recipient.resume = resume[1] if resume and resume[0] == recipient.pk else _resume_form(recipient)
    context = client_frame(request, client, "progress", now=now)
    context |= {"schedule": schedule, "emails": emails, "recipients": recipients}
    context |= {
        "language": language_name(language_for(client)),
        "next_days": next_days(schedule, now) if schedule else [],
    }
    return render(request, "interactions/progress/client.html", context, status=422 if resume else 200)


@require_http_methods(["GET", "POST"])
def progress_schedule(request, client_id):
    client = load_client(request.principal, client_id)
    require(permissions.may_change_client(request.principal, client), permissions.IN_TRASH)
    schedule, now = ProgressSchedule.objects.filter(client=client).first(), timezone.now()
    form = ScheduleForm(posted(request), instance=schedule or ProgressSchedule(client=client), client=client)

    def act():
        seen = form.seen_version() if schedule else None
        return set_schedule(request.principal, client=client, seen_version=seen, now=now, **form.cleaned_data)

    outcome = form_action(request, form, act)
    if outcome.is_done:
        messages.success(request, _("Schedule saved"))
        return redirect("interactions:client_progress", client_id=client.pk)
    context = client_frame(request, client, "progress", now=now) | {"form": form, "conflict": outcome.conflict}
    return render(request, "interactions/progress/schedule.html", context, status=outcome.status)


@require_POST
def progress_resume(request, pk):
    """Send emails again to a contact who had opted out."""
    people = ProgressRecipient.objects.filter(
        schedule__in=ProgressSchedule.objects.visible_to(request.principal)
    ).select_related("schedule__client", "contact")
    recipient = get_object_or_404(people, pk=pk)
    form = _resume_form(recipient, request.POST)
    if not form.is_valid():
        client = load_client(request.principal, recipient.schedule.client_id)
        return _progress_page(request, client, resume=(recipient.pk, form))
    resume_recipient(request.principal, recipient=recipient, note=form.cleaned_data["note"], now=timezone.now())
    messages.success(request, _("%(name)s gets progress emails again") % {"name": recipient.contact.name})
    return redirect("interactions:client_progress", client_id=recipient.schedule.client_id)
