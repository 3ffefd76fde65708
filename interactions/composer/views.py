"""Log, look at, correct and archive interactions."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clients.records.models import Client
from crm.core.base.errors import ServiceError, StaleWrite, add_to_form
from crm.core.base.permissions import require
from crm.core.listing.paging import BadCursor
from crm.core.ui.htmx import go, is_fragment, render_page
from interactions import permissions
from interactions.composer import lists as interaction_lists
from interactions.composer import panel
from interactions.composer.forms import CorrectForm, LogForm
from interactions.composer.queries import interaction_page
from interactions.log import queries
from interactions.log.drafts import keep_draft
from interactions.log.models import Interaction
from interactions.log.services import archive_interaction, correct_interaction, pin_interaction, restore_interaction
from interactions.recording.services import log_interaction
from interactions.responses import client_url, done

NEXT_STEP_FIELDS = {"title": "next_title", "assignee": "next_assignee"}


def _client(request, client_id):
    return get_object_or_404(Client.objects.visible_to(request.principal), pk=client_id)


def _interaction(request, pk):
    return get_object_or_404(
        Interaction.objects.visible_to(request.principal).select_related("client", "author"), pk=pk
    )


@require_http_methods(["GET", "POST"])
def log(request, client_id):
    client = _client(request, client_id)
    require(permissions.may_log(request.principal, client), _("This client is in the trash. Restore it first."))
    now = timezone.now()
    form = None
    if request.method == "POST":
        form = LogForm(request.POST, client=client, user=request.user, today=timezone.localtime(now).date())
        interaction = _logged(request, client, form, now)
        if interaction is not None:
            fresh = (
                render(request, "interactions/composer/composer.html", panel.context(request.principal, client, now))
                if is_fragment(request)
                else None
            )
            undo = reverse("interactions:archive", args=[interaction.pk])
            return done(request, _logged_words(interaction, form), to=client_url(client), undo_url=undo, response=fresh)
    context = panel.context(request.principal, client, now, form=form) | {"client_url": client_url(client)}
    template = "interactions/composer/composer.html" if is_fragment(request) else "interactions/composer/log.html"
    if not is_fragment(request):
        context["colleagues"] = panel.list_rows(
            request.principal, client, "participants", form["participants"].value() or [] if form else []
        )
    return render(request, template, context, status=422 if form else 200)


def _logged(request, client, form, now):
    if not form.is_valid():
        return None
    decision = {"decision": form.cleaned_data["decision"], "decision_shared": form.cleaned_data["decision_shared"]}
    try:
        return log_interaction(
            request.principal,
            client=client,
            next_step=form.next_step(),
            now=now,
            from_composer=True,
            **decision,
            **form.values(),
        )
    except ServiceError as error:
        error.field = NEXT_STEP_FIELDS.get(error.field, error.field)
        add_to_form(form, error)
        return None


def _logged_words(interaction, form):
    words = {"what": interaction.get_channel_display()}
    return (
        _("%(what)s logged, next step planned.") % words
        if form.cleaned_data["next_on"]
        else _("%(what)s logged.") % words
    )


@require_POST
def draft(request, client_id):
    client = _client(request, client_id)
    require(permissions.may_log(request.principal, client))
    try:
        keep_draft(request.principal, client=client, data=request.POST, now=timezone.now())
    except ServiceError as error:
        return HttpResponse(error.message, status=422, content_type="text/plain; charset=utf-8")
    return HttpResponse(status=204)


@require_GET
def composer_list(request, client_id, part):
    """A long list of people for the composer, loaded when it is opened."""
    client = _client(request, client_id)
    rows = panel.list_rows(request.principal, client, part, request.GET.getlist(part))
    return render(
        request, "interactions/composer/list.html", {"rows": rows, "name": part, "select": part == "next_assignee"}
    )


@require_GET
def index(request):
    try:
        context = interaction_lists.page(request.principal, request.GET)
    except BadCursor:
        return go(request, "interactions:list")
    return render_page(request, "interactions/composer/list_page.html", context, fragment="rows")


@require_GET
def detail(request, pk):
    interaction = _interaction(request, pk)
    context = interaction_page(request.principal, interaction)
    context["may_correct"] = permissions.may_correct(request.principal, interaction)
    context["may_change"] = permissions.may_log(request.principal, interaction.client)
    return render(request, "interactions/composer/detail.html", context)


@require_http_methods(["GET", "POST"])
def correct(request, pk):
    interaction = _interaction(request, pk)
    require(
        permissions.may_correct(request.principal, interaction),
        _("Only its author, the account manager and managers correct it."),
    )
    given = {"client": interaction.client, "user": request.user}
    form = (
        CorrectForm(request.POST, **given)
        if request.method == "POST"
        else CorrectForm(initial=CorrectForm.initial_of(interaction), **given)
    )
    status, theirs = 200, None
    if request.method == "POST":
        status, theirs = 422, None
        if form.is_valid():
            try:
                correct_interaction(
                    request.principal,
                    interaction=interaction,
                    now=timezone.now(),
                    seen_version=form.seen_version(),
                    **form.values(),
                )
                return done(
                    request,
                    _("Corrected. The earlier text is in its history."),
                    to=reverse("interactions:detail", args=[pk]),
                )
            except StaleWrite as error:
                status, theirs = 409, error.current
            except ServiceError as error:
                add_to_form(form, error)
    context = {
        "form": form,
        "interaction": interaction,
        "theirs": theirs,
        "who": queries.last_editor(theirs) if theirs else "",
    }
    return render(request, "interactions/composer/correct.html", context, status=status)


@require_POST
def archive(request, pk):
    interaction = _interaction(request, pk)
    require(permissions.may_correct(request.principal, interaction))
    archive_interaction(request.principal, interaction=interaction, now=timezone.now())
    return done(
        request, _("Archived."), to=client_url(interaction.client), undo_url=reverse("interactions:restore", args=[pk])
    )


@require_POST
def restore(request, pk):
    interaction = _interaction(request, pk)
    require(permissions.may_correct(request.principal, interaction))
    restore_interaction(request.principal, interaction=interaction, now=timezone.now())
    return done(request, _("Restored."), to=client_url(interaction.client))


@require_POST
def pin(request, pk):
    interaction = _interaction(request, pk)
    require(permissions.may_log(request.principal, interaction.client))
    wanted = not interaction.is_pinned
    pin_interaction(request.principal, interaction=interaction, is_pinned=wanted)
    return done(request, _("Pinned on top.") if wanted else _("Unpinned."), to=client_url(interaction.client))


for view in (log, composer_list, detail, correct):
    view.nav_key = "clients"
