"""Segments: the list, the builder, one with its clients."""

from typing import Any

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clients import permissions, registry
from clients.segments import drafts, queries, rules, services
from clients.segments.compile import clients_of
from clients.segments.criteria import criteria
from clients.segments.forms import DeleteForm, SegmentForm
from clients.segments.models import Segment
from clients.segments.uses import question, used_by
from crm.core.base.errors import ServiceError
from crm.core.base.permissions import require
from crm.core.base.reading import whole_number
from crm.core.firm.queries import firm_today
from crm.core.listing.pages import list_pages
from crm.core.ui.actions import Conflict, Difference, Outcome, form_action
from crm.core.ui.htmx import go, is_fragment, posted

NAMES_SHOWN = 8


def load_segment(request, segment_id: int, *, is_gone: bool = False) -> Segment:
    """404 for one that is not shared with the reader."""
    rows = Segment.objects.visible_to(request.principal).select_related("owner")
    return get_object_or_404(rows.archived() if is_gone else rows.kept(), pk=segment_id)


@require_safe
def show(request, segment_id):
    segment, now, page = load_segment(request, segment_id), timezone.now(), list_pages.get("clients:segment")
    if page is None:
        raise Http404
    parsed = rules.read(segment.rule)
    moved = queries.moved(request.principal, segment, parsed, now)
    context = {
        "segment": segment,
        "problem": "" if parsed.is_sound else queries.broken_words(segment, parsed),
        "rule_words": queries.in_words([parsed])[0],
        "may_change": permissions.may_change_segment(request.principal, segment),
        "actions": registry.list_actions.shown(request.principal),
        "since": moved.since,
        "moves": [
            _move(_("Joined"), "arrow-right", moved.joined),
            _move(_("Left"), "box-arrow-right", moved.left),
        ],
    }
    listing = page.of(request, segment_id=segment.pk)
    return page.answer(request, listing, within="clients/segments/segment.html", **context)


def _move(label: str, icon: str, rows: Any) -> dict[str, Any]:
    """Some of those who joined or left, and how many there are."""
    if rows is None:
        return {}
    shown = list(rows.only("name").order_by("name_key", "pk")[: NAMES_SHOWN + 1])
    n = len(shown) if len(shown) <= NAMES_SHOWN else rows.count()
    return {"label": label, "icon": icon, "rows": shown[:NAMES_SHOWN], "n": n, "rest": n - len(shown[:NAMES_SHOWN])}


@require_http_methods(["GET", "POST"])
def new(request):
    """An empty rule, or what the client list shows (its query)."""
    require(permissions.may_keep_segments(request.principal))
    rule, left_out = drafts.new_rule(), []
    if request.GET and request.method == "GET":
        rule, left_out = drafts.from_filters(request.GET, firm_today(timezone.now()).isoformat())
        if "segment" in left_out and (found := _segment_of(request)):
            rule["rules"] = [found.rule, *(each for each in rule["rules"] if each.get("field") or "rules" in each)]
            left_out.remove("segment")
    return _builder(request, None, rule, left_out=left_out, title=_("New segment"))


def _segment_of(request) -> Segment | None:
    """The one that the list was filtered by."""
    pk = whole_number(request.GET.get("segment", ""))
    return Segment.objects.visible_to(request.principal).kept().filter(pk=pk).first()


@require_http_methods(["GET", "POST"])
def edit(request, segment_id):
    segment = load_segment(request, segment_id)
    require(permissions.may_change_segment(request.principal, segment))
    return _builder(request, segment, segment.rule, title=_("Edit segment"))


def _builder(request, segment: Segment | None, rule: Any, *, title: str, left_out=()):
    """Every button posts the whole form: it saves, or shows the form with one rule more, or less."""
    form = SegmentForm.of(posted(request), segment)
    action, outcome = request.POST.get("do", ""), Outcome()
    if request.method == "POST":
        rule = drafts.posted_rule(request.POST)
    if request.method == "POST" and not action:
        outcome = _save(request, segment, form, rule)
        if outcome.is_done:
            messages.success(request, _("Segment “%(name)s” saved") % {"name": outcome.result.name})
            return go(request, outcome.result.get_absolute_url())
    elif action:
        form = SegmentForm(initial=_typed(form))
        rule = drafts.fitting(drafts.changed(rule, action))
    parsed = rules.read(rule)
    shown = parsed.problems if outcome.status == 422 else [problem for problem in parsed.problems if problem.is_gone]
    context = {
        "title": title,
        "segment": segment,
        "form": form,
        "conflict": outcome.conflict,
        "left_out": left_out,
        "root": drafts.nodes_of(rule, shown),
        "fields": sorted(((c.key, str(c.label)) for c in criteria().values()), key=lambda pair: pair[1].casefold()),
        "count": clients_of(parsed, request.principal, timezone.now()).count() if parsed.is_sound else None,
        "url": request.get_full_path(),
        "back_url": segment.get_absolute_url() if segment else reverse("clients:segments"),
    }
    template = "clients/segments/rule.html" if is_fragment(request) and action else "clients/segments/builder.html"
    return render(request, template, context, status=outcome.status)


def _typed(form: SegmentForm) -> dict[str, Any]:
    """What stands in the form, without checking it."""
    found = {name: form[name].value() for name in form.fields}
    return found | {"version": form.seen_version()}


def _save(request, segment: Segment | None, form: SegmentForm, rule: Any) -> Outcome:
    def act():
        values = form.cleaned_data | {"rule": rule}
        if segment is None:
            return services.create_segment(request.principal, **values)
        return services.update_segment(request.principal, segment=segment, seen_version=form.seen_version(), **values)

    outcome = form_action(request, form, act)
    if outcome.conflict is None or segment is None:
        return outcome
    segment.refresh_from_db()
    theirs, mine = queries.in_words(rules.read_all([segment.rule, rule]))
    differences = list(outcome.conflict.differences)
    if theirs != mine:
        differences.append(Difference(_("Rule"), theirs, mine))
    conflict = Conflict(outcome.conflict.who, outcome.conflict.version, differences)
    return Outcome(status=outcome.status, conflict=conflict)


@require_http_methods(["GET", "POST"])
def delete(request, segment_id):
    """Asks only where the segment is in use."""
    segment = load_segment(request, segment_id)
    require(permissions.may_change_segment(request.principal, segment))
    form = DeleteForm(posted(request), question=question(segment))
    if form.is_bound and form.is_valid():
        services.delete_segment(request.principal, segment=segment, now=timezone.now(), is_in_use_too=True)
        undo = f"undo:{reverse('clients:segment_restore', args=[segment.pk])}"
        messages.success(request, _("Segment “%(name)s” deleted") % {"name": segment.name}, extra_tags=undo)
        return go(request, "clients:segments")
    context = {
        "form": form,
        "title": _("Delete the segment “%(name)s”") % {"name": segment.name},
        "lead": _("It can be restored from the deleted segments."),
        "submit": _("Delete"),
        "back_url": segment.get_absolute_url(),
        "uses": used_by(request.principal, segment),
    }
    return render(request, "clients/segments/delete.html", context, status=422 if form.is_bound else 200)


@require_POST
def restore(request, segment_id):
    segment = load_segment(request, segment_id, is_gone=True)
    try:
        services.restore_segment(request.principal, segment=segment)
    except ServiceError as error:
        messages.error(request, error.message)
        return go(request, f"{reverse('clients:segments')}?archived=1")
    messages.success(request, _("Segment “%(name)s” restored") % {"name": segment.name})
    return go(request, segment.get_absolute_url())
