"""Colleagues: list, invite, change, disable."""

from django.conf import settings
from django.contrib import messages
from django.db.models import Q
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from crm.core.base.errors import ServiceError
from crm.core.base.permissions import may_administer, require
from crm.core.listing import filters
from crm.core.listing.pages import Column, ListPage, View
from crm.core.people import reassignment
from crm.core.people.forms import DisableForm, InviteForm, UserForm
from crm.core.people.services import colleagues, invitations
from crm.core.ui.actions import form_action
from crm.core.ui.htmx import posted, render_page
from crm.core.users.models import Invitation, User


class PeopleFilters(filters.ListFilters):
    q = filters.Search(method="search", label=_lazy("name or email"))
    show = filters.Choice(choices=[("disabled", _lazy("Disabled"))], method="of_part", label=_lazy("Which"))

    def search(self, rows, name, value):
        return rows.filter(Q(name__icontains=value) | Q(email__icontains=value))

    def of_part(self, rows, name, value):
        return rows

    def apply(self, rows):
        return super().apply(rows.filter(is_active=self.values.get("show") != "disabled"))


def _invitations(listing):
    waiting = list(invitations.waiting(listing.now))
    for invitation in waiting:
        invitation.state = invitations.state_of(invitation, listing.now)
        invitation.link = invitations.link_to_pass_on(listing.principal, invitation=invitation, now=listing.now)
    return {"invitations": waiting, "is_captured": settings.MAIL_IS_CAPTURED}


PEOPLE = ListPage(
    url_name="core:users",
    title=_lazy("People"),
    template="core/people/users.html",
    may=may_administer,
    rows=lambda principal: User.objects.prefetch_related("teams"),
    filters=PeopleFilters,
    views=(View(_lazy("Can sign in")), View(_lazy("Disabled"), {"show": "disabled"})),
    view_by=("show",),
    search_label=_lazy("Search people"),
    search_hint=_lazy("Name, email"),
    sorts={"name": "name"},
    columns=(
        Column("name", _lazy("Name"), lambda person: person.name),
        Column("email", _lazy("Email"), lambda person: person.email, is_in_file_only=True),
        Column("roles", _lazy("Roles"), lambda person: ", ".join(map(str, person.role_labels))),
        Column("teams", _lazy("Teams"), lambda person: ", ".join(team.name for team in person.teams.all())),
        Column("seen", _lazy("Last signed in"), lambda person: person.last_login),
    ),
    noun=lambda n, text: ngettext("%(n)s person", "%(n)s people", n) % {"n": text},
    size=100,
    file_name="people",
    words={"none": _lazy("none"), "never": _lazy("never")},
    more=_invitations,
)


@require_http_methods(["GET", "POST"])
def invite(request):
    require(may_administer(request.principal))
    form = InviteForm(posted(request))
    outcome = form_action(
        request, form, lambda: invitations.invite(request.principal, now=timezone.now(), **form.cleaned_data)
    )
    if outcome.is_done:
        _say_invited(request, _("Invitation to %(email)s queued."), outcome.result)
        return redirect("core:users")
    context = {"form": form, "submit": _("Send invitation"), "back_url": reverse("core:users")}
    return render_page(request, "core/people/invite.html", context, status=outcome.status)


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
    return _on_invitation(
        request, pk, invitations.resend_invitation, _say_invited, _("New invitation to %(email)s queued.")
    )


@require_POST
def invitation_revoke(request, pk):
    return _on_invitation(request, pk, invitations.revoke_invitation, _say, _("Invitation for %(email)s revoked."))


def _on_invitation(request, pk, do, say, text):
    invitation = get_object_or_404(Invitation, pk=pk)
    try:
        do(request.principal, invitation=invitation, now=timezone.now())
    except ServiceError as error:
        messages.error(request, error.message)
    else:
        say(request, text, invitation)
    return redirect("core:users")


def _say(request, text: str, invitation) -> None:
    messages.success(request, text % {"email": invitation.email})


def _say_invited(request, text: str, invitation) -> None:
    """A warning if no email was sent because no mail server is set."""
    if not settings.MAIL_IS_CAPTURED:
        return _say(request, text, invitation)
    text = _("No mail server is set, so no email was sent to %(email)s. Copy the link below and pass it on.")
    messages.warning(request, text % {"email": invitation.email})
