"""Teams: members, lead, archive."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm.core.base.permissions import may_administer, require
from crm.core.people.forms import TeamForm
from crm.core.people.services import colleagues
from crm.core.ui.actions import form_action
from crm.core.ui.htmx import posted, render_page
from crm.core.users.models import Team


@require_safe
def teams(request):
    require(may_administer(request.principal))
    rows = Team.objects.select_related("lead").prefetch_related("members").order_by("archived_at", "name")
    return render_page(request, "core/people/teams.html", {"teams": rows})


@require_http_methods(["GET", "POST"])
def team(request, pk=None):
    """Make a team (without `pk`) or change one."""
    require(may_administer(request.principal))
    row = get_object_or_404(Team, pk=pk) if pk is not None else None
    form = TeamForm(posted(request), team=row)
    outcome = form_action(
        request,
        form,
        lambda: colleagues.save_team(request.principal, team=row, seen_version=form.seen_version(), **form.values()),
    )
    if outcome.is_done:
        messages.success(request, _("Saved."))
        return redirect("core:teams")
    title, back_url = row.name if row else _("New team"), reverse("core:teams")
    context = {"title": title, "form": form, "conflict": outcome.conflict, "back_url": back_url}
    return render_page(request, "core/people/team.html", context, status=outcome.status)


@require_POST
def team_archive(request, pk):
    row = colleagues.archive_team(request.principal, team=get_object_or_404(Team, pk=pk), now=timezone.now())
    text = _("%(name)s is archived. Its clients stay in it until you move them.") % {"name": row.name}
    messages.success(request, text, extra_tags=f"undo:{reverse('core:team_restore', args=[row.pk])}")
    return redirect("core:teams")


@require_POST
def team_restore(request, pk):
    row = colleagues.restore_team(request.principal, team=get_object_or_404(Team, pk=pk))
    messages.success(request, _("%(name)s restored.") % {"name": row.name})
    return redirect("core:teams")
