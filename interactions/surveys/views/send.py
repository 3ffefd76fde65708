"""Asking many clients (choose, preview, confirm), and the people of one client."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from clients.listing.filters import ClientFilters
from clients.records.models import Client
from crm.core.base.errors import ServiceError, add_to_form
from crm.core.base.permissions import require
from crm.core.ui.actions import form_action
from crm.core.ui.htmx import posted
from interactions import permissions
from interactions.surveys import queries as survey_pages
from interactions.surveys.audience import NAMES_SHOWN
from interactions.surveys.choices import Asked, InvitationState
from interactions.surveys.forms.mailing import AskForm, AudienceForm, ConfirmForm
from interactions.surveys.models import SurveyInvitation
from interactions.surveys.services import mailing
from interactions.surveys.services.answers import saved_survey


@require_http_methods(["GET", "POST"])
def send(request):
    """The address holds the filter; POST confirms what the preview showed."""
    require(permissions.may_send_surveys(request.principal))
    now, is_asked = timezone.now(), request.method == "POST"
    survey = survey_pages.chosen_survey(request.GET)
    chosen = ClientFilters(request.GET, principal=request.principal, now=now)
    form = AudienceForm(
        request.GET or None,
        filters=chosen,
        surveys=survey_pages.surveys_to_send(),
        initial={"status": ["active"], "who": Asked.MAIN},
    )
    context = {"form": form, "survey": survey, "error": ""}
    if form.is_valid():
        clients = chosen.apply(Client.objects.visible_to(request.principal))
        values = {"clients": clients, "who": form.cleaned_data["who"] or Asked.MAIN}
        if is_asked and ConfirmForm(request.POST).is_valid():
            done = _invite(request, survey, form, values, context, now)
            if done:
                return done
        found = mailing.mass_audience(survey=survey, now=now, **values)
        context["error"] = context["error"] or chosen.remark
        context |= {"found": found, "names": found.people[:NAMES_SHOWN], "left_out": found.left_out[:NAMES_SHOWN]}
        context["n_clients"] = len({person.client_id for person in found.people})
    return render(request, "interactions/surveys/send.html", context, status=422 if is_asked or form.errors else 200)


def _invite(request, survey, form, values, context, now):
    """The redirect, or None with the refusal in the context."""
    confirmed = ConfirmForm(request.POST)
    confirmed.is_valid()
    try:
        batch, n = mailing.invite_clients(
            request.principal,
            survey=saved_survey(survey),
            send_date=form.cleaned_data["send_date"],
            seen_count=confirmed.cleaned_data["count"],
            now=now,
            **values,
        )
    except ServiceError as error:
        context["error"] = error.message
        return add_to_form(form, error) if error.field else None
    words = ngettext("%(n)d person will be surveyed.", "%(n)d people will be surveyed.", n) % {"n": n}
    undo = reverse("interactions:survey-batch-skip", args=[batch])
    messages.success(request, words, extra_tags=f"undo:{undo}")
    return redirect(reverse("interactions:survey-invitations") + "?show=planned")


@require_POST
def take_back(request, batch):
    """Undo of a mailing: skips what is still planned."""
    mine = SurveyInvitation.objects.visible_to(request.principal)
    n = mailing.skip_batch(request.principal, batch=batch, invitations=mine, now=timezone.now())
    messages.success(
        request, ngettext("%(n)d cancelled before it was sent.", "%(n)d cancelled before they were sent.", n) % {"n": n}
    )
    return redirect("interactions:survey-invitations")


@require_http_methods(["GET", "POST"])
def ask(request, client_id):
    client = get_object_or_404(Client.objects.visible_to(request.principal).select_related("owner"), pk=client_id)
    require(permissions.may_ask(request.principal, client), permissions.ASKED_BY)
    now, survey = timezone.now(), survey_pages.chosen_survey(request.GET)
    people = mailing.askable(survey=survey, client=client, now=now)
    form = AskForm(posted(request), people=people)

    def act():
        chosen = saved_survey(survey)
        return mailing.ask_contacts(request.principal, survey=chosen, client=client, now=now, **form.cleaned_data)

    outcome = form_action(request, form, act)
    if outcome.is_done:
        return _asked(request, client, outcome.result)
    context = {"client": client, "survey": survey, "form": form}
    context["may_any"] = any(not person.reason for person in people)
    return render(request, "interactions/surveys/ask.html", context, status=outcome.status)


def _asked(request, client, rows):
    sent = [row.contact.name for row in rows if row.state == InvitationState.SENT]
    if sent:
        messages.success(request, _("Survey to %(names)s is on its way.") % {"names": ", ".join(sent)})
    for row in rows:
        if row.state != InvitationState.SENT:
            messages.error(
                request,
                _("%(name)s was not surveyed: %(reason)s") % {"name": row.contact.name, "reason": row.skip_reason},
            )
    return redirect("interactions:client-surveys", client_id=client.pk)
