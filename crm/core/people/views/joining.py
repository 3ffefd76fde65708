"""Pages without login: an invitation's link, and the set-up of a new firm."""

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import Http404
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from crm.core.base.places import presets_of
from crm.core.base.secret_links import hash_token
from crm.core.firm.queries import firm_today
from crm.core.people.emails import JOIN_LINK
from crm.core.people.forms import JoinForm, SetupForm
from crm.core.people.services import first_admin, invitations
from crm.core.ui.actions import form_action
from crm.core.ui.htmx import posted, render_page

INVITATION, CODE = "invitation", "setup_code"
BACKEND = settings.AUTHENTICATION_BACKENDS[0]


@login_not_required
@require_safe
def join_link(request, pk, token):
    """Swap the secret in the address for its hash in the session, so that it stays out of logs, histories and the database. The
    link stays valid."""
    invitation = JOIN_LINK.find(pk, token)
    if invitation is None:
        raise Http404
    request.session[INVITATION] = [pk, invitation.token_hash]
    return redirect("core:join")


@login_not_required
@require_http_methods(["GET", "POST"])
def join(request):
    pk, token_hash = request.session.get(INVITATION, (0, ""))
    invitation = JOIN_LINK.rows().filter(pk=pk, token_hash=token_hash).first()
    state = invitations.state_of(invitation, timezone.now()) if invitation else "none"
    if state != "open":
        return render_page(
            request,
            "core/people/join_closed.html",
            {"state": state, "invitation": invitation},
            status=404 if state == "none" else 410,
        )
    form = JoinForm(posted(request), initial={"name": invitation.name})
    outcome = form_action(
        request,
        form,
        lambda: invitations.accept_invitation(
            invitation=invitation,
            name=form.cleaned_data["name"],
            password=form.cleaned_data["password1"],
            now=timezone.now(),
        ),
    )
    if outcome.is_done:
        return _enter(request, outcome.result)
    context = {"form": form, "invitation": invitation}
    return render_page(request, "core/people/join.html", context, status=outcome.status)


@login_not_required
@require_safe
def setup_link(request, code):
    if not first_admin.code_is_good(hash_token(code), now=timezone.now()):
        raise Http404
    request.session[CODE] = hash_token(code)
    return redirect("core:setup")


@login_not_required
@require_http_methods(["GET", "POST"])
def setup(request):
    """The firm and its first admin, opened by the code that the terminal printed."""
    code_hash = request.session.get(CODE, "")
    if not first_admin.code_is_good(code_hash, now=timezone.now()):
        return render_page(request, "core/people/setup_closed.html", {"is_needed": first_admin.is_needed()}, status=404)
    form = SetupForm(posted(request), initial=_presets(request))
    outcome = form_action(
        request,
        form,
        lambda: first_admin.create_first_admin(
            email=form.cleaned_data["email"],
            person_name=form.cleaned_data["name"],
            password=form.cleaned_data["password1"],
            code_hash=code_hash,
            **form.firm_values(),
        ),
    )
    if outcome.is_done:
        return _enter(request, outcome.result)
    return render_page(request, "core/people/setup.html", {"form": form}, status=outcome.status)


def _presets(request) -> dict[str, str]:
    return presets_of(request.headers.get("Accept-Language", ""), firm_today(timezone.now()))


def _enter(request, user):
    request.session.flush()
    login(request, user, backend=BACKEND)
    return redirect("/")
