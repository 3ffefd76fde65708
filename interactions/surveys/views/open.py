"""The open pages behind the links of a survey mail. Opening a link only swaps its token for a cookie, since mail scanners open
every link; answering and opting out need a POST."""

from django.contrib.auth.decorators import login_not_required
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from clients.contacts.languages import language_for
from crm.core.ui.actions import form_action
from crm.core.ui.htmx import posted
from interactions.responses import wrong_link
from interactions.surveys.emails import ANSWER_LINK, STOP_LINK, question_of
from interactions.surveys.forms.mailing import ReplyForm, score_in
from interactions.surveys.services import answering


@login_not_required
@require_safe
def answer_link(request, pk, token):
    invitation = ANSWER_LINK.find(pk, token)
    if invitation is None:
        return wrong_link(request)
    score = score_in(request.GET, invitation.survey)
    return ANSWER_LINK.swap(pk, token, "" if score is None else f"?score={score}")


@login_not_required
@csrf_exempt  # the token authorises it; mail programs post here with one click (RFC 8058)
@require_http_methods(["GET", "HEAD", "POST"])
def stop_link(request, pk, token):
    invitation = STOP_LINK.find(pk, token)
    if invitation is None:
        return wrong_link(request)
    if request.method == "POST":
        invitation = answering.stop_surveys(invitation.link_principal, invitation=invitation, now=timezone.now())
        return _page(request, "stop.html", invitation, {"is_stopped": True})
    return STOP_LINK.swap(pk, token)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def answer(request, pk):
    invitation = ANSWER_LINK.opened(request, pk)
    if invitation is None:
        return wrong_link(request)
    with translation.override(language_for(invitation.client, invitation.contact)):
        return _answer(request, invitation)


def _answer(request, invitation):
    state = answering.state_of(invitation, timezone.now())
    score = score_in(request.GET, invitation.survey)
    if state not in ("open", "answered") or (state == "answered" and request.method != "POST" and score is None):
        return _page(request, "closed.html", invitation, {"state": state}, status=200 if invitation.response else 410)
    form = ReplyForm(posted(request), survey=invitation.survey, initial=_initial(invitation, score))

    def act():
        person = invitation.link_principal
        return answering.answer_invitation(person, invitation=invitation, now=timezone.now(), **form.cleaned_data)

    outcome = form_action(request, form, act)
    if outcome.is_done:
        return redirect("interactions:survey-answer", pk=invitation.pk)
    return _page(request, "answer.html", invitation, {"form": form, "state": state}, status=outcome.status)


def _initial(invitation, score):
    given = invitation.response
    return {"score": score, "comment": given.comment if given else ""}


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def stop(request, pk):
    invitation = STOP_LINK.opened(request, pk)
    if invitation is None:
        return wrong_link(request)
    if request.method == "POST":
        invitation = answering.stop_surveys(invitation.link_principal, invitation=invitation, now=timezone.now())
    return _page(request, "stop.html", invitation, {"is_stopped": answering.has_stopped(invitation)})


def _page(request, template, invitation, context, status=200):
    """In the language of the mail."""
    given = {
        "invitation": invitation,
        "owner": invitation.client.owner,
        "survey": invitation.survey,
        "given": invitation.response,
    }
    with translation.override(language_for(invitation.client, invitation.contact)):
        given["question"] = question_of(invitation.survey)
        return render(request, f"interactions/surveys/{template}", given | context, status=status)
