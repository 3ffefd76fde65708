"""Log, view, correct and archive interactions."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clients.records.models import Client
from crm.core.api.idempotency import only_once
from crm.core.base.errors import ServiceError
from crm.core.base.kept import Kept
from crm.core.base.permissions import require
from crm.core.drafts.services import bring_draft_back, set_draft_aside
from crm.core.fields.inline import InlineFacts
from crm.core.ui.actions import form_action
from crm.core.ui.htmx import is_fragment, posted
from interactions import permissions
from interactions.composer import panel
from interactions.composer.forms import CorrectForm, LogForm
from interactions.composer.queries import interaction_page
from interactions.log.choices import DRAFT_KIND
from interactions.log.drafts import keep_draft
from interactions.log.fields import INTERACTION_FIELDS
from interactions.log.models import Interaction
from interactions.log.services import archive_interaction, correct_interaction, pin_interaction, restore_interaction
from interactions.recording.services import log_interaction
from interactions.responses import client_url, done

NEXT_STEP_FIELDS = {"title": "next_title", "assignee": "next_assignee"}


def _client(request, client_id):
    return get_object_or_404(Client.objects.visible_to(request.principal), pk=client_id)


@Kept
def _readable(principal, *, pk: int):
    return Interaction.objects.visible_to(principal).select_related("client", "author").filter(pk=pk)


def _interaction(request, pk):
    return _readable.one(request.principal, pk=pk)


@require_http_methods(["GET", "POST"])
def log(request, client_id):
    client = _client(request, client_id)
    require(permissions.may_log(request.principal, client), permissions.IN_TRASH)
    now, form = timezone.now(), None
    if request.method == "POST":
        form = LogForm(request.POST, client=client, user=request.user, today=timezone.localtime(now).date())
        outcome = form_action(request, form, lambda: _log(request.principal, client, form, now))
        if outcome.is_done:
            return _logged(request, client, form, outcome.result, now)
    asked = {name: request.GET.get(name, "") for name in ("channel", "contact", "engagement")}
    context = panel.context(request.principal, client, now, form=form, is_whole=not is_fragment(request), **asked)
    context["client_url"] = client_url(client)
    status = outcome.status if form else 200
    if is_fragment(request):
        return render(request, "interactions/composer/composer.html", context, status=status)
    chosen = form["participants"].value() or [] if form else []
    context["colleagues"] = panel.list_rows(request.principal, client, "participants", chosen)
    return render(request, "interactions/composer/log.html", context, status=status)


def _log(principal, client, form, now):
    words = {name: form.cleaned_data[name] for name in ("decision", "decision_shared")}

    def write():
        return log_interaction(
            principal,
            client=client,
            next_step=form.next_step(),
            now=now,
            from_composer=True,
            **words,
            **form.values(),
        )

    try:  # a form sent twice logs once
        pk = only_once(principal.user, form.cleaned_data["once"], write)
        return Interaction.objects.get(pk=pk)
    except ServiceError as error:
        error.field = NEXT_STEP_FIELDS.get(error.field, error.field)
        raise


def _fresh(request, client, now):
    """The current composer, for htmx; None for a page."""
    if not is_fragment(request):
        return None
    asked = {"engagement": request.GET.get("engagement", "")}
    context = panel.context(request.principal, client, now, **asked)
    return render(request, "interactions/composer/composer.html", context)


def _logged(request, client, form, interaction, now):
    """Confirm it; htmx gets an empty composer."""
    fresh = _fresh(request, client, now)
    undo = reverse("interactions:archive", args=[interaction.pk])
    return done(request, _logged_words(interaction, form), to=client_url(client), undo_url=undo, response=fresh)


def _logged_words(interaction, form):
    words = {"what": interaction.get_channel_display()}
    return (
        _("%(what)s logged, next step added.") % words
        if form.cleaned_data["next_on"]
        else _("%(what)s logged.") % words
    )


@require_POST
def draft(request, client_id):
    client = _client(request, client_id)
    try:
        kept = keep_draft(request.principal, client=client, data=request.POST, now=timezone.now())
    except ServiceError as error:
        return HttpResponse(error.message, status=422, content_type="text/plain; charset=utf-8")
    return HttpResponse(status=204 if kept else 205)


@require_POST
def discard(request, client_id):
    """Empty the composer. Its content is kept for the undo, including what was typed in the last second."""
    client, now = _client(request, client_id), timezone.now()
    try:
        keep_draft(request.principal, client=client, data=request.POST, now=now)
    except ServiceError as error:
        return HttpResponse(error.message, status=422, content_type="text/plain; charset=utf-8")
    is_kept = set_draft_aside(request.principal, kind=DRAFT_KIND, client_id=client.pk)
    undo = reverse("interactions:draft-undo", args=[client.pk]) if is_kept else ""
    fresh = _fresh(request, client, now)
    return done(request, _("Draft discarded."), to=client_url(client), undo_url=undo, response=fresh)


@require_POST
def bring_back(request, client_id):
    client = _client(request, client_id)
    require(permissions.may_log(request.principal, client), permissions.IN_TRASH)
    is_back = bring_draft_back(request.principal, kind=DRAFT_KIND, client_id=client.pk)
    text = _("Draft restored.") if is_back else _("There is no draft to restore, or you have started another.")
    return done(request, text, to=client_url(client), response=_fresh(request, client, timezone.now()))


@require_GET
def composer_list(request, client_id, part):
    """A long list of people for the composer, or the firm's own fields, loaded when it is opened."""
    client = _client(request, client_id)
    if part == "fields":
        form = panel.new_form(request.principal, client, timezone.now())[0]
        return render(request, "interactions/composer/fields.html", {"form": form})
    rows = panel.list_rows(request.principal, client, part, request.GET.getlist(part))
    return render(
        request, "interactions/composer/list.html", {"rows": rows, "name": part, "select": part == "next_assignee"}
    )


@require_GET
def detail(request, pk):
    interaction = _interaction(request, pk)
    may_correct = permissions.may_correct(request.principal, interaction)
    may_edit = may_correct and interaction.archived_at is None
    context = interaction_page(request.principal, interaction, may_edit=may_edit)
    context |= {"may_correct": may_correct, **FACTS.context(context["interaction"], may_edit=may_edit)}
    context["crumbs"] = [
        {"label": _("Clients"), "url": reverse("clients:list")},
        {"label": interaction.client.name, "url": client_url(interaction.client)},
        {"label": context["title"]},
    ]
    context["may_change"] = permissions.may_log(request.principal, interaction.client)
    return render(request, "interactions/composer/detail.html", context)


def _to_correct(request, pk):
    interaction = _interaction(request, pk)
    require(
        permissions.may_correct(request.principal, interaction),
        _("Only its author, the account manager and managers can edit it."),
    )
    return interaction


def _whole_form(request, interaction, data):
    return CorrectForm(data, instance=interaction, client=interaction.client, user=request.user)


FACTS = InlineFacts(
    INTERACTION_FIELDS,
    "interactions:fact",
    "interactions:correct",
    _to_correct,
    _whole_form,
    lambda principal, row, values, version: correct_interaction(
        principal, interaction=row, now=timezone.now(), seen_version=version, **values
    ),
    page=lambda row: reverse("interactions:detail", args=[row.pk]),
)


@require_http_methods(["GET", "POST"])
def fact(request, pk, name):
    """A field of the firm's own, edited on the page of the interaction."""
    return FACTS.answer(request, pk, name)


@require_http_methods(["GET", "POST"])
def correct(request, pk):
    interaction = _to_correct(request, pk)
    form = _whole_form(request, interaction, posted(request))
    outcome = form_action(
        request,
        form,
        lambda: correct_interaction(
            request.principal,
            interaction=interaction,
            now=timezone.now(),
            seen_version=form.seen_version(),
            **form.values(),
        ),
    )
    if outcome.is_done:
        detail_url = reverse("interactions:detail", args=[pk])
        return done(request, _("Saved. The previous version is kept."), to=detail_url)
    context = {"form": form, "interaction": interaction, "conflict": outcome.conflict}
    return render(request, "interactions/composer/correct.html", context, status=outcome.status)


@require_POST
def archive(request, pk):
    interaction = _interaction(request, pk)
    archive_interaction(request.principal, interaction=interaction, now=timezone.now())
    undo = reverse("interactions:restore", args=[pk])
    return done(request, _("Archived."), to=client_url(interaction.client), undo_url=undo)


@require_POST
def restore(request, pk):
    interaction = _interaction(request, pk)
    restore_interaction(request.principal, interaction=interaction, now=timezone.now())
    return done(request, _("Restored."), to=client_url(interaction.client))


@require_POST
def pin(request, pk):
    interaction = _interaction(request, pk)
    wanted = not interaction.is_pinned
    pin_interaction(request.principal, interaction=interaction, is_pinned=wanted)
    return done(request, _("Pinned on top.") if wanted else _("Unpinned."), to=client_url(interaction.client))
