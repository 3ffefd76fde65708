"""The kinds of engagements, set up by admins."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clients import permissions
from clients.engagements.forms import KindForm
from clients.engagements.models import EngagementKind
from clients.engagements.services import kinds as services
from clients.engagements.words import in_words
from crm.core.base.permissions import require
from crm.core.ui.actions import form_action
from crm.core.ui.htmx import go, posted


@require_GET
def show(request):
    require(permissions.may_manage_engagement_kinds(request.principal))
    title = in_words(_("Kinds of %(many)s"))
    context = {"kinds": EngagementKind.objects.kept(), "archived": EngagementKind.objects.archived(), "title": title}
    return render(request, "clients/engagements/kinds.html", context)


@require_http_methods(["GET", "POST"])
def create(request):
    form = KindForm(posted(request))

    def act():
        return services.create_engagement_kind(request.principal, name=form.cleaned_data["name"])

    return _form_page(request, form, act, title=_("New kind"), done=_("Kind added"))


@require_http_methods(["GET", "POST"])
def edit(request, kind_id):
    row = get_object_or_404(EngagementKind, pk=kind_id)
    form = KindForm(posted(request), initial={"name": row.name, "version": row.version})

    def act():
        seen = form.seen_version()
        return services.update_engagement_kind(request.principal, kind=row, seen_version=seen, **form.cleaned_data)

    return _form_page(request, form, act, title=row.name, done=_("Saved"))


@require_POST
def archive(request, kind_id):
    row = get_object_or_404(EngagementKind, pk=kind_id)
    services.archive_engagement_kind(request.principal, kind=row, now=timezone.now())
    undo = reverse("clients:engagement_kind_restore", args=[row.pk])
    messages.success(request, _("%(name)s archived") % {"name": row.name}, extra_tags=f"undo:{undo}")
    return go(request, "clients:engagement_kinds")


@require_POST
def restore(request, kind_id):
    row = get_object_or_404(EngagementKind, pk=kind_id)
    services.restore_engagement_kind(request.principal, kind=row)
    messages.success(request, _("%(name)s restored") % {"name": row.name})
    return go(request, "clients:engagement_kinds")


def _form_page(request, form, act, *, title, done):
    require(permissions.may_manage_engagement_kinds(request.principal))
    outcome = form_action(request, form, act)
    if outcome.is_done:
        messages.success(request, done)
        return go(request, "clients:engagement_kinds")
    back = reverse("clients:engagement_kinds")
    trail = [{"label": in_words(_("Kinds of %(many)s")), "url": back}, {"label": title}]
    context = {"form": form, "title": title, "back_url": back, "conflict": outcome.conflict, "trail": trail}
    return render(request, "form_page.html", context, status=outcome.status)
