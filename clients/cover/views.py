"""Absence and cover: arranged for oneself or for others, changed, ended early, resumed."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clients.cover import services
from clients.cover.forms import CoverForm
from clients.cover.models import Cover
from clients.cover.permissions import OWN_COVER, may_arrange_for_others, may_change
from crm.core.base.errors import ServiceError
from crm.core.base.permissions import require
from crm.core.firm.queries import firm_today
from crm.core.ui.actions import form_action
from crm.core.ui.htmx import go, posted


@require_http_methods(["GET", "POST"])
def create(request):
    for_others = may_arrange_for_others(request.principal)
    form = CoverForm(posted(request), user=request.user, for_others=for_others)

    def act():
        given = {**form.cleaned_data, "absent": form.who_is_absent}
        return services.arrange_cover(request.principal, now=timezone.now(), **given)

    outcome = form_action(request, form, act)
    if outcome.is_done:
        row = outcome.result
        undo = reverse("clients:cover_end", args=[row.pk])
        words = {"covering": row.covering.name, "absent": row.absent.name}
        messages.success(request, _("%(covering)s covers for %(absent)s") % words, extra_tags=f"undo:{undo}")
        return go(request, "clients:covers")
    return _form_page(
        request, form, outcome, title=_("Arrange cover"), submit=_("Arrange cover"), for_others=for_others
    )


@require_http_methods(["GET", "POST"])
def edit(request, pk):
    row, now = _load(request, pk), timezone.now()
    require(may_change(request.principal, row), OWN_COVER)
    form = CoverForm.of(row, posted(request), has_begun=row.has_begun(firm_today(now)))

    def act():
        seen = form.seen_version()
        return services.update_cover(request.principal, cover=row, seen_version=seen, now=now, **form.cleaned_data)

    outcome = form_action(request, form, act)
    if outcome.is_done:
        messages.success(request, _("Saved"))
        return go(request, "clients:covers")
    title = _("Cover for %(name)s") % {"name": row.absent.name}
    return _form_page(request, form, outcome, title=title, submit=_("Save"), for_others=row.absent != request.user)


def _form_page(request, form, outcome, *, title, **more):
    back = reverse("clients:covers")
    trail = [{"label": _("Absence and cover"), "url": back}, {"label": title}]
    context = {"form": form, "title": title, "trail": trail, "back_url": back, "conflict": outcome.conflict, **more}
    return render(request, "clients/cover/form.html", context, status=outcome.status)


@require_POST
def end(request, pk):
    return _change(request, pk, services.end_cover, _("%(covering)s no longer covers for %(absent)s"), "cover_resume")


@require_POST
def resume(request, pk):
    return _change(request, pk, services.resume_cover, _("%(covering)s covers for %(absent)s again"), "cover_end")


def _change(request, pk, act, words, undo):
    row = _load(request, pk)
    try:
        act(request.principal, cover=row, now=timezone.now())
    except ServiceError as error:
        messages.error(request, error.message)
    else:
        text = words % {"covering": row.covering.name, "absent": row.absent.name}
        messages.success(request, text, extra_tags=f"undo:{reverse(f'clients:{undo}', args=[row.pk])}")
    return go(request, "clients:covers")


def _load(request, pk) -> Cover:
    return get_object_or_404(Cover.objects.visible_to(request.principal).select_related("absent", "covering"), pk=pk)
