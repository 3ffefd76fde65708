"""Colleagues: list, invite, change, disable."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm.core.base.errors import ServiceError
from crm.core.base.permissions import may_administer, require
from crm.core.people import reassignment
from crm.core.people.forms import DisableForm, InviteForm, UserForm
from crm.core.people.services import colleagues, invitations
from crm.core.ui.actions import form_action
from crm.core.ui.htmx import posted, render_page
from crm.core.users.models import Invitation, User


@require_safe
def users(request):
    require(may_administer(request.principal))
    now = timezone.now()
    waiting = list(invitations.waiting(now))
    for invitation in waiting:
        invitation.state = invitations.state_of(invitation, now)
    rows = User.objects.prefetch_related("teams").order_by("-is_active", "name", "id")
    return render_page(request, "core/people/users.html", {"users": rows, "invitations": waiting})


@require_http_methods(["GET", "POST"])
def invite(request):
    require(may_administer(request.principal))
    form = InviteForm(posted(request))
    outcome = form_action(
        request, form, lambda: invitations.invite(request.principal, now=timezone.now(), **form.cleaned_data)
    )
    if outcome.is_done:
        messages.success(request, _("An invitation is on its way to %(email)s.") % {"email": outcome.result.email})
        return redirect("core:users")
    return render_page(request, "core/people/invite.html", {"form": form}, status=outcome.status)


@require_http_methods(["GET", "POST"])
def user(request, pk):
    require(may_administer(request.principal))
    person = get_object_or_404(User, pk=pk)
    form = UserForm.of(person, posted(request))
    outcome = form_action(
        request,
        form,
        lambda: colleagues.update_user(
            request.principal, user=person, seen_version=form.seen_version(), **form.values()
        ),
    )
    if outcome.is_done:
        messages.success(request, _("Saved."))
        return redirect("core:users")
    context = _context(request, form, person) | {"conflict": outcome.conflict}
    return render_page(request, "core/people/user.html", context, status=outcome.status)


def _context(request, form, person) -> dict:
    return {"form": form, "person": person, "holdings": reassignment.holdings_of(request.principal, person)}


@require_http_methods(["GET", "POST"])
def user_disable(request, pk):
    require(may_administer(request.principal))
    person = get_object_or_404(User, pk=pk)
    form = DisableForm(posted(request), user=person)
    outcome = form_action(
        request,
        form,
        lambda: colleagues.disable_user(request.principal, user=person, now=timezone.now(), **form.cleaned_data),
    )
    if outcome.is_done:
        messages.success(request, _("%(name)s can no longer sign in.") % {"name": person.name})
        return redirect("core:users")
    return render_page(request, "core/people/user_disable.html", _context(request, form, person), status=outcome.status)


@require_POST
def user_enable(request, pk):
    person = colleagues.enable_user(request.principal, user=get_object_or_404(User, pk=pk))
    messages.success(request, _("%(name)s can sign in again.") % {"name": person.name})
    return redirect("core:users")


@require_POST
def invitation_resend(request, pk):
    return _on_invitation(request, pk, invitations.resend_invitation, _("A new link is on its way to %(email)s."))


@require_POST
def invitation_revoke(request, pk):
    return _on_invitation(request, pk, invitations.revoke_invitation, _("The invitation of %(email)s is revoked."))


def _on_invitation(request, pk, do, text):
    invitation = get_object_or_404(Invitation, pk=pk)
    try:
        do(request.principal, invitation=invitation, now=timezone.now())
    except ServiceError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, text % {"email": invitation.email})
    return redirect("core:users")


for view in (users, invite, user, user_disable):
    view.nav_key = "settings"
