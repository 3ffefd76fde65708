"""The words of a survey mail, the pause between two, and the rule that asks automatically."""

from csp.decorators import csp
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crm.core.base.errors import ServiceError, StaleWrite, add_to_form
from crm.core.base.permissions import require
from crm.core.ui.actions import Outcome, conflict_of
from crm.core.ui.htmx import posted
from interactions import permissions
from interactions.progress.views.review import FRAME_POLICY
from interactions.surveys import emails
from interactions.surveys import queries as survey_pages
from interactions.surveys.forms.mailing import RuleForm, SurveyForm
from interactions.surveys.models import SurveyRule
from interactions.surveys.services import rules
from interactions.surveys.services.answers import saved_survey


@require_http_methods(["GET", "POST"])
def edit(request):
    require(permissions.may_send_surveys(request.principal))
    survey, now = survey_pages.chosen_survey(request.GET), timezone.now()
    rule = SurveyRule.objects.filter(survey=survey).select_related("segment").first() if survey.pk else None
    form = SurveyForm(posted(request), instance=survey)
    rule_form = RuleForm(posted(request), instance=rule or SurveyRule(), prefix="rule")
    outcome = _save(request, form, rule_form, now) if request.method == "POST" else Outcome()
    if outcome.is_done:
        messages.success(request, _("Saved"))
        return redirect(f"{reverse('interactions:survey-settings')}?survey={request.GET.get('survey', '')}")
    context = {
        "form": form,
        "rule_form": rule_form,
        "survey": survey,
        "surveys": survey_pages.surveys_to_send(),
        "conflict": outcome.conflict,
    }
    about = rule or SurveyRule(survey=survey)
    rule_form.n_clients = rules.matching_clients(about, now).count()
    rule_form.trouble = rules.trouble_of(about.segment)
    rule_form.first_day = rules.first_day(about, now)
    return render(request, "interactions/surveys/settings.html", context, status=outcome.status)


def _save(request, form, rule_form, now) -> Outcome:
    """Both or neither; a refusal goes to the form it concerns."""
    if not form.is_valid() or not rule_form.is_valid():
        return Outcome(status=422)
    try:
        with transaction.atomic():
            survey = saved_survey(form.instance)
            rules.set_survey(request.principal, survey=survey, seen_version=form.seen_version(), **form.cleaned_data)
            rules.set_rule(request.principal, survey=survey, now=now, **rule_form.cleaned_data)
        return Outcome(is_done=True)
    except StaleWrite as error:
        return Outcome(status=409, conflict=conflict_of(form, error))
    except ServiceError as error:
        add_to_form(rule_form if error.field in rule_form.fields else form, error)
        return Outcome(status=422)


@require_GET
@xframe_options_sameorigin
@csp(FRAME_POLICY)
def preview(request):
    """The mail to a made-up contact, from the user."""
    require(permissions.may_send_surveys(request.principal))
    client, contact = emails.sample(request.user)
    try:
        html = emails.render_survey(
            survey_pages.chosen_survey(request.GET), client, contact, answer_url="#", stop_url="#"
        )[2]
    except ServiceError as error:
        return HttpResponse(error.message, content_type="text/plain; charset=utf-8")
    return HttpResponse(html)


@require_POST
def test(request):
    require(permissions.may_send_surveys(request.principal))
    try:
        emails.mail_survey_test(request.principal, survey=survey_pages.chosen_survey(request.GET))
        messages.success(request, _("A test is on its way to %(address)s") % {"address": request.user.email})
    except ServiceError as error:
        messages.error(request, error.message)
    return redirect(f"{reverse('interactions:survey-settings')}?survey={request.GET.get('survey', '')}")
