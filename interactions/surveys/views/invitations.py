"""Survey invitations: the list, and one with its decisions."""

from csp.decorators import csp
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crm.core.base.errors import ServiceError
from crm.core.base.kept import Kept
from crm.core.base.permissions import require
from crm.core.mail.delivery.message import html_for_display
from crm.core.mail.models import OutboxMail
from crm.core.ui.actions import form_action
from crm.core.ui.htmx import back_to, posted
from interactions import permissions
from interactions.progress.views.review import FRAME_POLICY
from interactions.surveys import emails
from interactions.surveys import queries as survey_pages
from interactions.surveys.forms.mailing import WhenForm
from interactions.surveys.services import mailing


@Kept
def _invitation(principal, *, pk: int):
    return survey_pages.invitations(principal).select_related("client__owner", "requested_by").filter(pk=pk)


def _visible(request, pk):
    return _invitation.one(request.principal, pk=pk)


@require_http_methods(["GET", "POST"])
def show(request, pk):
    """One invitation; POST reschedules it."""
    row = _visible(request, pk)
    may_ask = permissions.may_ask(request.principal, row.client)
    require(may_ask or request.method != "POST", permissions.ASKED_BY)  # for a form that is invalid as well
    form = WhenForm(posted(request), initial={"send_at": row.send_at, "version": row.version})

    def act():
        seen, now = form.seen_version(), timezone.now()
        return mailing.change_date(request.principal, invitation=row, seen_version=seen, now=now, **form.cleaned_data)

    outcome = form_action(request, form, act)
    if outcome.is_done:
        messages.success(request, _("Saved"))
        return redirect("interactions:survey-invitation", pk=pk)
    shown = _visible(request, pk) if outcome.conflict else row
    context = {"row": survey_pages.decorate(shown), "form": form, "may_ask": may_ask, "conflict": outcome.conflict}
    return render(request, "interactions/surveys/invitation.html", context, status=outcome.status)


@require_GET
@xframe_options_sameorigin
@csp(FRAME_POLICY)
def mail(request, pk):
    """The mail as it was sent, with its links masked, or as it would be sent now."""
    row = _visible(request, pk)
    sent = OutboxMail.objects.caused_by(row).order_by("-pk").first()
    if sent is not None:
        return HttpResponse(html_for_display(sent))
    try:
        return HttpResponse(emails.render_survey(row.survey, row.client, row.contact, answer_url="#", stop_url="#")[2])
    except ServiceError as error:
        return HttpResponse(error.message, content_type="text/plain; charset=utf-8")


def _decide(request, pk, do, words, undo=""):
    row = _visible(request, pk)
    back = back_to(request, reverse("interactions:survey-invitation", args=[pk]))
    try:
        row = do(request.principal, invitation=row, now=timezone.now())
    except ServiceError as error:
        messages.error(request, error.message)
        return redirect(back)
    tags = f"undo:{reverse(undo, args=[pk])}" if undo else ""
    messages.success(request, words % {"name": row.contact.name}, extra_tags=tags)
    return redirect(back)


@require_POST
def skip(request, pk):
    return _decide(
        request, pk, mailing.skip_invitation, _("Skipped: %(name)s"), undo="interactions:survey-invitation-back"
    )


@require_POST
def back(request, pk):
    return _decide(request, pk, mailing.bring_back, _("Restored: %(name)s"))


@require_POST
def send(request, pk):
    return _decide(request, pk, mailing.send_now, _("Survey to %(name)s is on its way"))
