"""What holds mail back, and the admin's decisions: suppressed addresses, a copied database, unusual volume."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crm.core.base.permissions import may_administer, require
from crm.core.mail import kinds, pages
from crm.core.mail.forms import AnswerForm, ReleaseForm, StopForm
from crm.core.mail.lists import SUPPRESSIONS
from crm.core.mail.models import BlastQuestion, Suppression
from crm.core.mail.services import instance, suppression, volume
from crm.core.ui.actions import form_action
from crm.core.ui.htmx import posted, render_page


@require_http_methods(["GET", "POST"])
def stopped(request):
    """The suppression list, and a form to add an address."""
    require(may_administer(request.principal))
    form = StopForm(posted(request))
    outcome = form_action(
        request,
        form,
        lambda: suppression.enter_address(request.principal, now=timezone.now(), **form.cleaned_data),
    )
    if outcome.is_done:
        messages.success(request, _("Email to %(address)s suppressed") % {"address": form.cleaned_data["address"]})
        return redirect("core:mail_stopped")
    return SUPPRESSIONS.answer(request, SUPPRESSIONS.of(request), status=outcome.status, form=form)


@require_POST
def lift(request, pk):
    row = get_object_or_404(Suppression, pk=pk)
    suppression.release_address(request.principal, row=row, now=timezone.now())
    messages.success(request, _("Email to %(address)s resumed") % {"address": row.address})
    return redirect("core:mail_stopped")


@require_GET
def holds(request):
    require(may_administer(request.principal))
    hold = instance.look()
    questions = list(BlastQuestion.objects.select_related("decided_by")[:20])
    for question in questions:
        question.kind_text = kinds.label_of(question.kind)
    context = {
        "hold": hold,
        "waiting": instance.waiting() if hold.is_on else None,
        "questions": questions,
        "tabs": pages.tabs(request.principal, "holds"),
    }
    return render_page(request, "core/mail/holds.html", context)


@require_POST
def release(request):
    """End the hold of a copied or restored database."""
    require(may_administer(request.principal))
    form = ReleaseForm(request.POST)
    if form.is_valid():
        count = instance.claim(request.principal, now=timezone.now(), **form.cleaned_data)
        said = ngettext(
            "Sending resumed. %(n)d email was cancelled.",
            "Sending resumed. %(n)d emails were cancelled.",
            count,
        ) % {"n": count}
        messages.success(request, said if count else _("Sending resumed"))
    return redirect("core:mail_holds")


@require_POST
def answer(request, pk):
    require(may_administer(request.principal))
    question = get_object_or_404(BlastQuestion, pk=pk)
    form = AnswerForm(request.POST)
    if form.is_valid():
        let_through = form.cleaned_data["let_through"]
        volume.answer(request.principal, question=question, let_through=let_through, now=timezone.now())
        messages.success(request, _("They go out as planned") if let_through else _("Skipped this week"))
    return redirect("core:mail_holds")
