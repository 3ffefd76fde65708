"""Survey answers: the list, a client's answers, and entering one by hand."""

from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clients.page.header import client_frame
from clients.page.queries import load_client
from clients.records.models import Client
from crm.core.base.permissions import require
from crm.core.ui.actions import form_action
from crm.core.ui.htmx import posted
from interactions import permissions
from interactions.responses import done
from interactions.surveys import lists as survey_lists
from interactions.surveys import queries as survey_pages
from interactions.surveys.forms.answers import AnswerForm
from interactions.surveys.models import SurveyResponse
from interactions.surveys.services.answers import archive_answer, record_answer, restore_answer, saved_survey


def _tab_url(client):
    return reverse("interactions:client-surveys", args=[client.pk])


@require_GET
def of_client(request, client_id):
    now = timezone.now()
    client = load_client(request.principal, client_id)
    context = client_frame(request, client, "surveys", now=now) | {
        "answers": survey_lists.of_client(request.principal, client),
        "invitations": survey_pages.of_client(request.principal, client),
        "may_ask": permissions.may_ask(request.principal, client),
    }
    return render(request, "interactions/surveys/client.html", context)


@require_http_methods(["GET", "POST"])
def enter(request, client_id):
    client = get_object_or_404(Client.objects.visible_to(request.principal), pk=client_id)
    require(permissions.may_change_client(request.principal, client), permissions.IN_TRASH)
    now = timezone.now()
    survey = survey_pages.nps_survey()
    form = AnswerForm(posted(request), client=client, survey=survey, initial={"answered_at": now})

    def act():
        return record_answer(
            request.principal, survey=saved_survey(survey), client=client, now=now, **form.cleaned_data
        )

    outcome = form_action(request, form, act)
    if outcome.is_done:
        undo = reverse("interactions:answer-archive", args=[outcome.result.pk])
        return done(request, _("Answer saved."), to=_tab_url(client), undo_url=undo)
    context = {"form": form, "client": client, "survey": survey}
    return render(request, "interactions/surveys/answer_form.html", context, status=outcome.status)


def _response(request, pk):
    return get_object_or_404(SurveyResponse.objects.visible_to(request.principal).select_related("client"), pk=pk)


@require_POST
def archive(request, pk):
    row = _response(request, pk)
    archive_answer(request.principal, response=row, now=timezone.now())
    return done(
        request,
        _("Answer archived."),
        to=_tab_url(row.client),
        undo_url=reverse("interactions:answer-restore", args=[pk]),
    )


@require_POST
def restore(request, pk):
    row = _response(request, pk)
    restore_answer(request.principal, response=row, now=timezone.now())
    return done(request, _("Answer restored."), to=_tab_url(row.client))
