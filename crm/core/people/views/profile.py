"""One's own profile: name, time zone, theme, shortcuts, sessions, API tokens."""

from urllib.parse import urlsplit

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from crm.core.listing.pages import Column, ListPage
from crm.core.people import links
from crm.core.people.forms import ProfileForm, ThemeForm, TokenForm
from crm.core.people.services import colleagues
from crm.core.people.services.api_tokens import create_api_token, revoke_api_token
from crm.core.ui.htmx import back_to, posted, render_page
from crm.core.users.models import ApiToken


@require_http_methods(["GET", "POST"])
def profile(request):
    form = ProfileForm.of(request.user, posted(request))
    if request.method == "POST" and form.is_valid():
        colleagues.update_profile(request.principal, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("core:profile")
    return _profile_page(request, form, status=422 if form.is_bound else 200)


def _profile_page(request, form, *, status):
    context = {"form": form, "links": list(links.profile_links)}
    return render_page(request, "core/people/profile.html", context, status=status)


@require_POST
def set_theme(request):
    """The quick toggle in the user's menu; returns to the page it was used on."""
    form = ThemeForm(request.POST)
    if not form.is_valid():
        return _profile_page(request, ProfileForm.of(request.user), status=422)
    colleagues.update_profile(request.principal, theme=form.cleaned_data["theme"])
    return redirect(back_to(request, _page_before(request)))


def _page_before(request) -> str:
    """The path of the page with the form, if it is on this site; otherwise the profile."""
    before = urlsplit(request.headers.get("Referer", ""))
    is_ours = before.netloc == request.get_host() and before.path.startswith("/") and not before.path.startswith("//")
    return before._replace(scheme="", netloc="").geturl() if is_ours else reverse("core:profile")


TOKENS = ListPage(
    url_name="core:api_tokens",
    title=_lazy("API tokens"),
    template="core/people/token_list.html",
    rows=lambda principal: ApiToken.objects.filter(user=principal.user, revoked_at=None),
    sorts={"newest": "-created_at"},
    has_views=False,
    has_columns=False,
    columns=(
        Column("name", _lazy("For"), lambda token: token.name),
        Column("prefix", _lazy("Begins with"), lambda token: token.prefix),
        Column("used", _lazy("Last used"), lambda token: token.last_used_at),
        Column("ends", _lazy("Ends"), lambda token: token.expires_at),
        Column("revoke", _lazy("Actions"), is_quiet=True),
    ),
    words={"never": _lazy("never")},
)


@require_http_methods(["GET", "POST"])
def api_tokens(request):
    """List and make tokens. A new one is shown in the answer to the POST and never again."""
    form, clear = TokenForm(posted(request)), ""
    now = timezone.now()
    if request.method == "POST" and form.is_valid():
        name, is_read_only = form.cleaned_data["name"], form.cleaned_data["is_read_only"]
        _row, clear = create_api_token(
            request.principal, user=request.user, name=name, expires_at=form.expires_at(now), is_read_only=is_read_only
        )
        form = TokenForm()
    listing, status = TOKENS.of(request), 422 if form.errors else 200
    return TOKENS.answer(request, listing, within="core/people/api_tokens.html", status=status, form=form, clear=clear)


@require_POST
def api_token_revoke(request, pk):
    token = get_object_or_404(ApiToken, pk=pk, user=request.user)
    revoke_api_token(request.principal, token=token, now=timezone.now())
    messages.success(request, _("“%(name)s” no longer works.") % {"name": token.name})
    return redirect("core:api_tokens")


def _tokens_ended(count: int) -> str:
    words = ngettext("%(n)d API token was revoked.", "%(n)d API tokens were revoked.", count) % {"n": count}
    return f" {words}" if count else ""


@require_POST
def end_sessions(request):
    """Sign out everywhere but here."""
    tokens = colleagues.sign_out_everywhere(request.principal, but=request.session.session_key, now=timezone.now())
    messages.success(request, _("You are signed out everywhere else.") + _tokens_ended(tokens))
    return redirect("core:profile")
