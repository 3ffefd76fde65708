"""The list of templates, and actions on one."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crm.core.base.permissions import require
from crm.core.ui.actions import form_action
from crm.core.ui.htmx import posted
from onboarding.forms import TemplateForm
from onboarding.models import Template
from onboarding.permissions import may_edit_templates
from onboarding.services.templates import (
    archive_template,
    create_template,
    duplicate_template,
    edit_version,
    restore_template,
    update_template,
)


def load(request, pk) -> Template:
    return get_object_or_404(Template.objects.visible_to(request.principal), pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
def create(request):
    require(may_edit_templates(request.principal))
    form = TemplateForm(posted(request))
    outcome = form_action(request, form, lambda: create_template(request.principal, **form.cleaned_data))
    if outcome.is_done:
        return redirect("onboarding:version", outcome.result.versions.get().pk)
    return render(
        request,
        "onboarding/template_form.html",
        {"form": form, "back_url": reverse("onboarding:templates")},
        status=outcome.status,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request, pk):
    template = load(request, pk)
    require(may_edit_templates(request.principal))
    form = TemplateForm(posted(request), instance=template)

    def act():
        return update_template(
            request.principal, template=template, seen_version=form.seen_version(), **form.cleaned_data
        )

    outcome = form_action(request, form, act)
    if outcome.is_done:
        return redirect("onboarding:template", pk)
    context = {"form": form, "template": load(request, pk), "conflict": outcome.conflict}
    context["back_url"] = reverse("onboarding:templates")
    return render(request, "onboarding/template_form.html", context, status=outcome.status)


@require_GET
def show(request, pk):
    """The newest version the user may see."""
    newest = load(request, pk).versions.visible_to(request.principal).order_by("-number").first()
    return redirect("onboarding:version", newest.pk)


@require_POST
def draft(request, pk):
    version = edit_version(request.principal, template=load(request, pk))
    return redirect("onboarding:version", version.pk)


@require_POST
def archive(request, pk):
    template = archive_template(request.principal, template=load(request, pk), now=timezone.now())
    undo = reverse("onboarding:template_restore", args=[pk])
    messages.success(
        request,
        _("“%(name)s” archived. Running plans are not affected.") % {"name": template.name},
        extra_tags=f"undo:{undo}",
    )
    return redirect("onboarding:templates")


@require_POST
def restore(request, pk):
    template = restore_template(request.principal, template=load(request, pk))
    messages.success(request, _("“%(name)s” restored.") % {"name": template.name})
    return redirect("onboarding:template", pk)


@require_POST
def duplicate(request, pk):
    copy = duplicate_template(request.principal, template=load(request, pk))
    messages.success(request, _("“%(name)s” copied as a new draft.") % {"name": copy.name})
    return redirect("onboarding:template", copy.pk)
