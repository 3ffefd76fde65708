"""One opportunity: its page, the forms about it, how it ends."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clients import permissions
from clients.opportunities.choices import OpportunityKind, WonContract
from clients.opportunities.fields import OPPORTUNITY_FIELDS
from clients.opportunities.forms import LostForm, MoveForm, NewOpportunityForm, OpportunityForm, WonForm
from clients.opportunities.lists import decorate_one
from clients.opportunities.models import Opportunity
from clients.opportunities.queries import stays_of
from clients.opportunities.services import outcomes, records
from clients.opportunities.services.pipelines import first_stage
from clients.page.dialogs import record_dialog, trail_of
from clients.page.queries import load_open_client
from clients.registry import won_actions
from crm.core.base.dates import add_months, is_plausible
from crm.core.base.errors import ServiceError, StaleWrite
from crm.core.base.kept import Kept
from crm.core.base.permissions import require
from crm.core.base.reading import whole_number
from crm.core.fields.custom.entries import all_facts
from crm.core.fields.inline import InlineFacts
from crm.core.firm.queries import firm_today, get_firm
from crm.core.ui.actions import form_action
from crm.core.ui.dialogs import crumbs
from crm.core.ui.htmx import add_event, back_to, go, is_fragment, posted, toast

PAGE = (
    "client",
    "client__owner",
    "owner",
    "pipeline",
    "stage",
    "service",
    "contract__service",
    "made_contract",
    "engagement",
)


@Kept
def _opportunity(principal, *, pk: int):
    return Opportunity.objects.visible_to(principal).select_related(*PAGE).filter(pk=pk)


def _load(request, pk):
    return _opportunity.one(request.principal, pk=pk)


def _load_to_change(request, pk):
    row = _load(request, pk)
    require(permissions.may_change_opportunity(request.principal, row), permissions.OPPORTUNITY_IN_TRASH)
    return row


@require_GET
def show(request, pk):
    row, now = _load(request, pk), timezone.now()
    may_edit = permissions.may_change_opportunity(request.principal, row)
    context = {"opportunity": row, "now": now, "may_edit": may_edit, "currency": get_firm().currency}
    context["crumbs"] = crumbs(*_trail(row), row.title)
    decorate_one(row, now)
    stays = stays_of(row)
    for stay in stays:
        stay.n = stay.days(now)
    context["stays"] = stays
    context["stages"] = row.pipeline.stages.kept().order_by("position", "pk")
    context |= FACTS.context(row, may_edit=may_edit)
    context["shown"] = all_facts(request.principal, OPPORTUNITY_FIELDS, row, may_edit=may_edit)
    context["may_restore"] = permissions.may_restore_opportunity(request.principal, row)
    if row.state == "won" and may_edit:
        actions = won_actions.shown(request.principal)
        context["won_actions"] = [{"label": action.label, "url": action.url(row)} for action in actions]
    return render(request, "clients/opportunities/opportunity.html", context)


@require_http_methods(["GET", "POST"])
def create(request, client_id=None):
    """A new one, of the client that the address names or that is chosen."""
    client = load_open_client(request.principal, client_id) if client_id else None
    now = timezone.now()
    today = firm_today(now)
    initial = {"client": client, "currency": get_firm().currency, "kind": _kind_for(client), "stage": first_stage()}
    initial["engagement"] = whole_number(request.GET.get("engagement"))
    initial |= {"expected_close": add_months(today, 2), "opened_date": today}
    form = NewOpportunityForm(posted(request), user=request.user, client=client, initial=initial)
    form.add_custom(request.principal)

    def act():
        return records.create_opportunity(request.principal, now=now, **form.cleaned_data)

    outcome = form_action(request, form, act)
    if outcome.is_done:
        messages.success(request, _("Opportunity added"))
        return go(request, "clients:opportunity", outcome.result.pk)
    back = reverse("clients:client", args=[client.pk]) if client else reverse("clients:opportunities")
    return _form_page(request, form, outcome, _("New opportunity"), back)


def _kind_for(client):
    is_known = client is not None and client.contracts.kept().exists()
    return OpportunityKind.UPSELL if is_known else OpportunityKind.NEW


@require_http_methods(["GET", "POST"])
def edit(request, pk):
    row = _load_to_change(request, pk)
    form = _whole_form(request, row, posted(request))

    def act():
        seen = form.seen_version()
        return records.update_opportunity(
            request.principal, opportunity=row, seen_version=seen, now=timezone.now(), **form.cleaned_data
        )

    outcome = form_action(request, form, act)
    if outcome.is_done:
        messages.success(request, _("Saved"))
        return go(request, row.get_absolute_url())
    return _form_page(request, form, outcome, row.title, row.get_absolute_url())


def _form_page(request, form, outcome, title, back):
    trail = [{"label": _("Opportunities"), "url": reverse("clients:opportunities")}, {"label": title}]
    context = {"form": form, "title": title, "back_url": back, "conflict": outcome.conflict, "trail": trail}
    return render(request, "form_page.html", context, status=outcome.status)


@require_http_methods(["GET", "POST"])
def fact(request, pk, name):
    return FACTS.answer(request, pk, name)


def _whole_form(request, row, data):
    form = OpportunityForm(data, user=request.user, instance=row, client=row.client)
    form.add_custom(request.principal)
    return form


def _beside(request, row):
    decorate_one(row, timezone.now())
    return {"opportunity": row, "currency": get_firm().currency}


FACTS = InlineFacts(
    OPPORTUNITY_FIELDS,
    "clients:opportunity_fact",
    "clients:opportunity_edit",
    _load_to_change,
    _whole_form,
    lambda principal, row, values, version: records.update_opportunity(
        principal, opportunity=row, seen_version=version, now=timezone.now(), **values
    ),
    _beside,
    "clients/opportunities/fact.html",
)


# What is done with one, in a dialog or on a page of its own


@require_http_methods(["GET", "POST"])
def move(request, pk):
    row = _load_to_change(request, pk)
    form = MoveForm(posted(request), opportunity=row)

    def act():
        stage, seen = form.cleaned_data["stage"], form.seen_version()
        return records.move_opportunity(
            request.principal, opportunity=row, stage=stage, seen_version=seen, now=timezone.now()
        )

    outcome = form_action(request, form, act)
    if outcome.is_done:
        return moved(request, outcome.result)
    return _dialog(request, row, form, outcome, title=_("Move to a stage"), submit=_("Move"), ends=True)


@require_POST
def back(request, pk):
    """Undo of a move: to the stage it came from."""
    row = _load_to_change(request, pk)
    before = row.stage_changes.exclude(stage=row.stage_id).filter(stage__archived_at=None).select_related("stage")
    last = before.order_by("-entered_at", "-pk").first()
    if last is None:
        return _told(request, row, _("There is no earlier stage."), tone="red")
    try:
        result = records.move_opportunity(request.principal, opportunity=row, stage=last.stage, now=timezone.now())
    except ServiceError as error:
        return _told(request, row, error.message, tone="red")
    return moved(request, result, undo=False)


def moved(request, row, *, undo=True):
    text = _("Moved to %(stage)s") % {"stage": row.stage.name}
    return _told(request, row, text, undo_url=reverse("clients:opportunity_back", args=[row.pk]) if undo else "")


def _told(request, row, text, *, undo_url="", tone=""):
    if not is_fragment(request):
        told = messages.error if tone == "red" else messages.success
        told(request, text, extra_tags=f"undo:{undo_url}" if undo_url else "")
        return redirect(back_to(request, row.get_absolute_url()))
    response = add_event(HttpResponse(status=204), "closeDialog", {})
    add_event(response, "opportunitiesChanged", {})
    return toast(response, text, tone=tone, undo_url=undo_url)


@require_http_methods(["GET", "POST"])
def win(request, pk):
    row, today = _load_to_change(request, pk), firm_today(timezone.now())
    initial = {"start_date": today, "with_contract": _likely(row)}
    if row.contract and row.contract.renewal_date and is_plausible(row.contract.renewal_date):
        initial["renewal_date"] = add_months(row.contract.renewal_date, 12)
    form = WonForm(posted(request), opportunity=row, initial=initial)

    def act():
        seen = form.seen_version()
        return outcomes.win_opportunity(
            request.principal, opportunity=row, seen_version=seen, now=timezone.now(), **form.values()
        )

    outcome = form_action(request, form, act)
    if outcome.is_done:
        undo = reverse("clients:opportunity_reopen", args=[row.pk])
        messages.success(request, _("“%(title)s” won") % {"title": row.title}, extra_tags=f"undo:{undo}")
        return go(request, row.get_absolute_url())
    return _dialog(request, row, form, outcome, title=_("Mark as won"), submit=_("Won"))


def _likely(row):
    if row.contract_id is None:
        return WonContract.NEW if row.kind != OpportunityKind.UPSELL else WonContract.NONE
    return WonContract.RENEW if row.kind == OpportunityKind.RENEWAL else WonContract.PRICE


@require_http_methods(["GET", "POST"])
def lose(request, pk):
    row = _load_to_change(request, pk)
    form = LostForm(posted(request), initial={"version": row.version})

    def act():
        seen = form.seen_version()
        return outcomes.lose_opportunity(
            request.principal, opportunity=row, seen_version=seen, now=timezone.now(), **form.cleaned_data
        )

    outcome = form_action(request, form, act)
    if outcome.is_done:
        undo = reverse("clients:opportunity_reopen", args=[row.pk])
        return _told(request, row, _("“%(title)s” marked as lost") % {"title": row.title}, undo_url=undo)
    return _dialog(request, row, form, outcome, title=_("Mark as lost"), submit=_("Lost"))


@require_POST
def reopen(request, pk):
    row = _load_to_change(request, pk)
    try:
        result = outcomes.reopen_opportunity(request.principal, opportunity=row, now=timezone.now())
    except (ServiceError, StaleWrite) as error:
        messages.error(request, str(error.message))
        return go(request, back_to(request, row.get_absolute_url()))
    messages.success(request, _("“%(title)s” reopened") % {"title": result.title})
    return go(request, back_to(request, row.get_absolute_url()))


@require_POST
def archive(request, pk):
    row = records.archive_opportunity(request.principal, opportunity=_load(request, pk), now=timezone.now())
    undo = reverse("clients:opportunity_restore", args=[row.pk])
    messages.success(request, _("Opportunity archived"), extra_tags=f"undo:{undo}")
    return go(request, "clients:opportunities")


@require_POST
def restore(request, pk):
    row = records.restore_opportunity(request.principal, opportunity=_load(request, pk))
    messages.success(request, _("Opportunity restored"))
    return go(request, back_to(request, row.get_absolute_url()))


def _trail(row):
    return trail_of(row, _("Opportunities"), "clients:opportunities")


def _dialog(request, row, form, outcome, *, title, submit, ends=False):
    ways = (("clients:opportunity_won", _("Won")), ("clients:opportunity_lost", _("Lost")))
    others = [{"label": label, "url": reverse(name, args=[row.pk])} for name, label in ways if ends and row.is_open]
    told = {"title": title, "submit": submit, "lead": row.title, "others": others, "styles": ("css/opportunities.css",)}
    return record_dialog(request, row, form, outcome, name=row.title, within=_trail(row), **told)
