"""One engagement: its page, the forms about it, its team and parties."""

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clients import permissions, registry
from clients.engagements.choices import ENGAGEMENT, EngagementState
from clients.engagements.fields import ENGAGEMENT_FIELDS
from clients.engagements.forms import CloseForm, EngagementForm, NewEngagementForm, PartyForm, SeatForm
from clients.engagements.models import Engagement, EngagementParty, EngagementTeam
from clients.engagements.queries import decorate
from clients.engagements.services import records
from clients.engagements.words import in_words, many
from clients.page.queries import load_open_client
from clients.page.timeline import Narrowing, moment_of, shared_templates, timeline
from crm.core.base.errors import ServiceError, StaleWrite
from crm.core.base.kept import Kept
from crm.core.base.permissions import require
from crm.core.fields.custom.entries import all_facts
from crm.core.fields.inline import InlineFacts
from crm.core.firm.queries import firm_today, get_firm
from crm.core.ui.actions import form_action
from crm.core.ui.htmx import back_to, go, is_fragment, posted

PAGE = ("client__owner", "client__team", "client__facts", "lead", "kind")
MOVES = {
    EngagementState.OPEN: (gettext_lazy("Open it"), "check2"),
    EngagementState.CLOSING: (gettext_lazy("Start closing"), "arrow-right"),
}


@Kept
def _engagement(principal, *, pk: int):
    return Engagement.objects.visible_to(principal).select_related(*PAGE).filter(pk=pk)


def load_engagement(principal, pk: int) -> Engagement:
    """404 for one that is out of sight."""
    return _engagement.one(principal, pk=pk)


def _load_to_change(request, pk) -> Engagement:
    row = load_engagement(request.principal, pk)
    require(permissions.may_change_engagement(request.principal, row), permissions.ENGAGEMENT_IN_TRASH)
    return row


def _trail(row: Engagement | None, *more: str):
    found = [{"label": many(), "url": reverse("clients:engagements")}]
    if row is not None:
        found.append({"label": row.client.name, "url": row.client.get_absolute_url()})
        found.append({"label": row.number, "url": row.get_absolute_url() if more else ""})
    return found + [{"label": label} for label in more]


@require_GET
def show(request, pk):
    row, now = load_engagement(request.principal, pk), timezone.now()
    given = _frame(request, row, now=now)
    try:
        before = moment_of(request.GET.get("before", ""))
    except ValueError:
        return HttpResponseBadRequest(_("This link is incomplete."))
    narrowing = Narrowing(engagement_id=row.pk)
    given |= {"before": before, "timeline_url": row.get_absolute_url(), "shared": shared_templates()}
    given["timeline"] = timeline(request.principal, row.client, before=before, narrowing=narrowing, now=now)
    if before and is_fragment(request):
        return render(request, "clients/page/client.html#entries", given)
    may_change = permissions.may_change_engagement(request.principal, row)
    changes = list(row.state_changes.select_related("by").order_by("-entered_at", "-pk"))
    context = given | {
        "main_panels": _panels(request, row, "main", given),
        "side_panels": _panels(request, row, "side", given),
        **FACTS.context(row, may_edit=may_change),
        "facts": all_facts(request.principal, ENGAGEMENT_FIELDS, row, may_edit=may_change),
        "changes": changes,
        "seats": list(row.seats.exclude(user=row.lead_id).select_related("user")),
        "parties": list(row.parties.select_related("contact")),
    }
    return render(request, "clients/engagements/engagement.html", context)


@require_GET
def tab(request, pk, key):
    """Another tab than the timeline, with its panels."""
    row, now = load_engagement(request.principal, pk), timezone.now()
    found = registry.engagement_tabs.get(key)
    if found is None:
        raise Http404
    context = _frame(request, row, now=now, tab=found)
    context |= {
        "main_panels": _panels(request, row, key, context),
        "side_panels": _panels(request, row, f"{key}-side", context),
    }
    return render(request, "clients/engagements/tab.html", context)


def _frame(request, row: Engagement, *, now, tab: registry.EngagementTab | None = None) -> dict[str, Any]:
    """What every tab shows: header, strip, tabs."""
    decorate([row])
    return {
        "engagement": row,
        "client": row.client,
        "now": now,
        "title": row.title,
        "crumbs": _trail(row),
        "tab": tab,
        "tabs": _tabs(row, tab),
        "moves": [
            {"state": state, "label": label, "icon": icon}
            for state, (label, icon) in MOVES.items()
            if ENGAGEMENT.allows(row.state, state) and row.is_current
        ],
        "may_edit": permissions.may_change_engagement(request.principal, row),
        "may_restore": permissions.may_restore_engagement(request.principal, row),
        "may_restrict": permissions.may_restrict_engagement(request.principal, row),
        "more_words": in_words(_("More about this %(one)s")),
    }


def _tabs(row: Engagement, current: registry.EngagementTab | None) -> list[dict[str, Any]]:
    first = {"label": _("Timeline"), "url": row.get_absolute_url(), "current": current is None, "count": None}
    return [first] + [
        {
            "label": each.label,
            "url": reverse("clients:engagement_tab", args=[row.pk, each.key]),
            "current": each is current,
            "count": None,
        }
        for each in registry.engagement_tabs
    ]


def _panels(request, row: Engagement, slot: str, given) -> list[str]:
    pieces = []
    for panel in registry.engagement_panels:
        context = panel.context(request.principal, row, given["now"]) if panel.slot == slot else None
        if context is not None:
            shown = {name: given[name] for name in ("engagement", "client", "now", "may_edit")}
            pieces.append(render_to_string(panel.template, shown | {"user": request.user} | context, request))
    return pieces


@require_http_methods(["GET", "POST"])
def create(request, client_id=None):
    """A new one, of the client that the address names or that is chosen."""
    client = load_open_client(request.principal, client_id) if client_id else None
    now = timezone.now()
    initial = {"client": client, "currency": get_firm().currency, "opened_date": firm_today(now)}
    number = records.next_number(now)
    form = NewEngagementForm(posted(request), user=request.user, number=number, initial=initial)
    form.add_custom(request.principal)
    outcome = form_action(
        request, form, lambda: records.open_engagement(request.principal, now=now, **form.cleaned_data)
    )
    if outcome.is_done:
        messages.success(request, _("%(number)s added") % {"number": outcome.result.number})
        return go(request, outcome.result.get_absolute_url())
    back = client.get_absolute_url() if client else reverse("clients:engagements")
    title = in_words(_("New %(one)s"))
    return _form_page(request, form, outcome, title=title, trail=_trail(None, title), back=back)


@require_http_methods(["GET", "POST"])
def edit(request, pk):
    row = _load_to_change(request, pk)
    form = _whole_form(request, row, posted(request))

    def act():
        seen = form.seen_version()
        return records.update_engagement(request.principal, engagement=row, seen_version=seen, **form.cleaned_data)

    outcome = form_action(request, form, act)
    if outcome.is_done:
        messages.success(request, _("Saved"))
        return go(request, row.get_absolute_url())
    return _form_page(request, form, outcome, title=in_words(_("Edit %(one)s")), row=row)


def _whole_form(request, row, data):
    form = EngagementForm(data, instance=row)
    form.add_custom(request.principal)
    return form


FACTS = InlineFacts(
    ENGAGEMENT_FIELDS,
    "clients:engagement_fact",
    "clients:engagement_edit",
    _load_to_change,
    _whole_form,
    lambda principal, row, values, version: records.update_engagement(
        principal, engagement=row, seen_version=version, **values
    ),
)


@require_http_methods(["GET", "POST"])
def fact(request, pk, name):
    return FACTS.answer(request, pk, name)


def _form_page(request, form, outcome, *, title, row=None, trail=None, back="", submit=""):
    context = {"form": form, "title": title, "conflict": outcome.conflict}
    context |= {"trail": trail or _trail(row, title), "back_url": back or row.get_absolute_url()}
    if submit:
        context["submit"] = submit
    return render(request, "form_page.html", context, status=outcome.status)


@require_POST
def move(request, pk, state):
    """Open it, start closing, or open a closed one again."""
    row = _load_to_change(request, pk)
    try:
        result = records.move_engagement(request.principal, engagement=row, state=state, now=timezone.now())
    except (ServiceError, StaleWrite) as error:
        messages.error(request, str(error.message))
    else:
        messages.success(request, f"{result.number}: {result.get_state_display()}", extra_tags=_undo(result))
    return go(request, back_to(request, row.get_absolute_url()))


def _undo(moved: Engagement) -> str:
    return f"undo:{reverse('clients:engagement_move_undo', args=[moved.pk, moved.version])}"


@require_POST
def undo_move(request, pk, version):
    """The state before the latest move."""
    row = _load_to_change(request, pk)
    try:
        row = records.undo_engagement_move(request.principal, engagement=row, seen_version=version)
    except ServiceError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{row.number}: {row.get_state_display()}")
    return go(request, back_to(request, row.get_absolute_url()))


@require_http_methods(["GET", "POST"])
def close(request, pk):
    row, now = _load_to_change(request, pk), timezone.now()
    left = [words for ends in registry.open_ends if (words := ends.words(request.principal, row))]
    initial = {"closed_date": firm_today(now), "version": row.version}
    form = CloseForm(posted(request), open_ends=left, initial=initial)

    def act():
        seen = form.seen_version()
        return records.close_engagement(
            request.principal, engagement=row, now=now, seen_version=seen, **form.cleaned_data
        )

    outcome = form_action(request, form, act)
    if outcome.is_done:
        text = _("%(number)s closed") % {"number": row.number}
        messages.success(request, text, extra_tags=_undo(outcome.result))
        return go(request, row.get_absolute_url())
    return _form_page(request, form, outcome, title=in_words(_("Close %(one)s")), row=row, submit=_("Close"))


@require_POST
def archive(request, pk):
    row = load_engagement(request.principal, pk)
    records.archive_engagement(request.principal, engagement=row, now=timezone.now())
    undo = reverse("clients:engagement_restore", args=[pk])
    messages.success(request, _("%(number)s archived") % {"number": row.number}, extra_tags=f"undo:{undo}")
    return go(request, "clients:engagements")


@require_POST
def restore(request, pk):
    row = records.restore_engagement(request.principal, engagement=load_engagement(request.principal, pk))
    messages.success(request, _("%(number)s restored") % {"number": row.number})
    return go(request, back_to(request, row.get_absolute_url()))


@require_POST
def restrict(request, pk):
    row = load_engagement(request.principal, pk)
    try:
        records.restrict_engagement(request.principal, engagement=row, now=timezone.now())
    except ServiceError as error:
        messages.error(request, error.message)
        return go(request, "clients:engagement_tab", pk, "finance")
    undo = reverse("clients:engagement_lift", args=[pk])
    text = _("%(number)s is restricted to its lead and team") % {"number": row.number}
    messages.success(request, text, extra_tags=f"undo:{undo}")
    is_seen = Engagement.objects.visible_to(request.principal).filter(pk=pk).exists()
    return go(request, row.get_absolute_url() if is_seen else reverse("clients:engagements"))


@require_POST
def lift(request, pk):
    """Admins may lift a restriction of an engagement that they do not see themselves: they find it under Restricted clients."""
    seen = Q(pk__in=Engagement.objects.visible_to(request.principal).values("pk"))
    wanted = seen | Q(is_restricted=True) if request.principal.is_admin else seen
    row = get_object_or_404(Engagement.objects.filter(wanted).select_related("client"), pk=pk)
    records.unrestrict_engagement(request.principal, engagement=row, now=timezone.now())
    messages.success(request, _("%(number)s is no longer restricted") % {"number": row.number})
    is_seen = Engagement.objects.visible_to(request.principal).filter(pk=pk).exists()
    return go(request, back_to(request, row.get_absolute_url() if is_seen else reverse("clients:engagements")))


# Its team and parties


@require_http_methods(["GET", "POST"])
def add_seat(request, pk):
    row = _load_to_change(request, pk)
    form = SeatForm(posted(request))
    outcome = form_action(
        request, form, lambda: records.add_to_team(request.principal, engagement=row, **form.cleaned_data)
    )
    if outcome.is_done:
        messages.success(request, _("%(name)s is on the team") % {"name": outcome.result.user.name})
        return go(request, row.get_absolute_url())
    return _form_page(request, form, outcome, title=_("Add a colleague"), row=row, submit=_("Add"))


@require_POST
def remove_seat(request, pk, seat_id):
    row = load_engagement(request.principal, pk)
    seats = EngagementTeam.objects.visible_to(request.principal).filter(engagement=row)
    seat = get_object_or_404(seats.select_related("engagement__client", "user"), pk=seat_id)
    records.remove_from_team(request.principal, seat=seat)
    messages.success(request, _("%(name)s is no longer on the team") % {"name": seat.user.name})
    is_seen = Engagement.objects.visible_to(request.principal).filter(pk=pk).exists()
    return go(request, row.get_absolute_url() if is_seen else reverse("clients:engagements"))


@require_http_methods(["GET", "POST"])
def add_party(request, pk):
    row = _load_to_change(request, pk)
    form = PartyForm(posted(request), client=row.client)
    outcome = form_action(
        request, form, lambda: records.add_party(request.principal, engagement=row, **form.cleaned_data)
    )
    if outcome.is_done:
        messages.success(request, _("%(name)s added") % {"name": outcome.result})
        return go(request, row.get_absolute_url())
    return _form_page(request, form, outcome, title=_("Add a party"), row=row, submit=_("Add"))


def _load_party(request, row, party_id) -> EngagementParty:
    rows = EngagementParty.objects.visible_to(request.principal).filter(engagement=row)
    return get_object_or_404(rows.select_related("engagement__client", "contact"), pk=party_id)


@require_http_methods(["GET", "POST"])
def edit_party(request, pk, party_id):
    row = _load_to_change(request, pk)
    party = _load_party(request, row, party_id)
    form = PartyForm(posted(request), client=row.client, instance=party)

    def act():
        seen = form.seen_version()
        return records.update_party(request.principal, party=party, seen_version=seen, **form.cleaned_data)

    outcome = form_action(request, form, act)
    if outcome.is_done:
        messages.success(request, _("Saved"))
        return go(request, row.get_absolute_url())
    return _form_page(request, form, outcome, title=str(party), row=row)


@require_POST
def remove_party(request, pk, party_id):
    row = load_engagement(request.principal, pk)
    party = _load_party(request, row, party_id)
    records.remove_party(request.principal, party=party)
    messages.success(request, _("%(name)s removed") % {"name": party})
    return go(request, row.get_absolute_url())
