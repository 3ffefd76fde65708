"""The firm's own fields, set up by admins."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm.core.base.errors import ServiceError
from crm.core.base.permissions import may_administer, require
from crm.core.base.reading import whole_number
from crm.core.fields.custom import changing, queries, rollups, services
from crm.core.fields.custom.choices import CONVERTED, RANGED, Kind
from crm.core.fields.custom.converting import Conversion, conversion, failing_rows
from crm.core.fields.custom.entries import Record, records
from crm.core.fields.custom.forms import FieldForm, KindForm, SectionForm, checker_for, shown_formula
from crm.core.fields.custom.formulas.checking import CALLED, WORDS, FormulaError
from crm.core.fields.custom.models import CustomField, FieldChange, FieldSection
from crm.core.fields.custom.values import limit, load, shape_of
from crm.core.ui.actions import form_action
from crm.core.ui.htmx import go, is_fragment, posted, render_page
from crm.core.work.leases import seconds_left
from crm.core.work.models import Job


@require_safe
def fields(request, record=""):
    """Fields by section, with how many records have a value."""
    require(may_administer(request.principal))
    of = _record(record or next(iter(records)).key)
    sections = queries.sections_of(of)
    shown = [field for section in sections for field in section.fields]
    usage = queries.usage_of(request.principal, of, shown) if shown else {}
    changed = queries.last_changed(of, shown) if shown else {}
    made = of.catalogue.custom
    for field in shown:
        field.usage, field.changed_at = usage.get(field.pk), changed.get(field.pk)
        field.rules, field.problem = _rules(field), made[field.name].problem if field.name in made else ""
    archived = (
        CustomField.objects.archived().filter(record=of.key).order_by("label").exclude(pk__in=queries.kept_aside())
    )
    tabs = [
        {"label": each.label, "url": _url(each), "current": each is of} for each in records.shown(request.principal)
    ]
    context = {"of": of, "sections": sections, "archived": archived, "tabs": tabs, "kinds": dict(of.custom.kinds)}
    context["has_sections"] = any(row.section for row in sections)
    return render(request, "core/fields/list.html", context)


def _rules(field: CustomField) -> list[str]:
    """What the field demands or computes, in words."""
    if field.kind == Kind.FORMULA:
        return [shown_formula(field)]
    if field.kind == Kind.ROLLUP:
        try:
            return [rollups.read(field.record, field.rollup).words()]
        except FormulaError:
            return []
    say = shape_of(field).type(field).words
    least, most = (limit(field, text) for text in (field.least, field.most)) if field.kind in RANGED else (None, None)
    found = [_("required")] if field.is_required else []
    found += [_("unique")] if field.is_unique else []
    if least is not None or most is not None:
        found.append(f"{'' if least is None else say(least)} – {'' if most is None else say(most)}".strip())
    return found + ([field.pattern] if field.pattern else [])


@require_http_methods(["GET", "POST"])
def field_new(request, record):
    of = _record(record)
    section = FieldSection.objects.filter(record=of.key, pk=whole_number(request.GET.get("section", ""))).first()
    form = FieldForm(posted(request), record=of, initial={"section": section})

    def act():
        kind = form.cleaned_data["kind"]
        return services.create_field(request.principal, record=of.key, kind=kind, **form.settings())

    told = {"title": _("New field"), "done": _("Field added"), "submit": _("Add field")}
    return _form_page(request, of, form, act, template="core/fields/field.html", more=lambda: _help(of), **told)


@require_http_methods(["GET", "POST"])
def field(request, pk):
    row = get_object_or_404(CustomField.objects.kept().select_related("section"), pk=pk)
    of = _record(row.record)
    require(may_administer(request.principal))
    form = FieldForm(posted(request), record=of, field=row)

    def act():
        return services.update_field(request.principal, field=row, seen_version=form.seen_version(), **form.settings())

    def more():
        choices = [option for option in row.options if not option.get("is_archived")]
        found: dict[str, Any] = {
            "field": row,
            "choices": choices,
            "uses": queries.uses_of(request.principal, of, row.name),
        }
        found["change"] = queries.undoable(row)
        found["may_change_kind"] = row.kind in CONVERTED and row.pending_id is None
        found["problem"] = of.catalogue.custom[row.name].problem if row.name in of.catalogue.custom else ""
        return found | (_help(of) if row.kind == Kind.FORMULA else {})

    lead = _("%(name)s in files and the API") % {"name": row.name}
    return _form_page(request, of, form, act, title=row.label, lead=lead, template="core/fields/field.html", more=more)


def _help(of: Record) -> dict[str, Any]:
    """What a formula may say."""
    facts = [
        {"label": fact.label, "type": WORDS[fact.type] if fact.type else _("computed")}
        for fact in checker_for(of).facts.values()
        if fact.type or fact.name in of.catalogue.custom and not of.catalogue.custom[fact.name].problem
    ]
    facts.sort(key=lambda each: each["label"].casefold())
    return {"facts": facts, "functions": CALLED.values()}


@require_http_methods(["GET", "POST"])
def field_kind(request, pk):
    """Another type for a field: first what would become of its values, then the change."""
    require(may_administer(request.principal))
    row = get_object_or_404(CustomField.objects.kept(), pk=pk)
    of, given = _record(row.record), request.POST or request.GET
    kinds = {value: label for value, label in Kind.choices if value in CONVERTED and value != row.kind}
    kind, reading = given.get("kind", ""), given.get("reading", "")
    if row.kind not in CONVERTED or (kind and kind not in kinds):
        raise Http404
    url, title = reverse("core:field", args=[row.pk]), _("Change type")
    trail = [{"label": _("Custom fields"), "url": _url(of)}, {"label": row.label, "url": url}, {"label": title}]
    context = {"field": row, "kinds": kinds.items(), "kind": kind, "back_url": url, "title": title, "trail": trail}
    if not kind:
        return render(request, "core/fields/kind.html", context)
    found = conversion(request.principal, row, of.model, Kind(kind), reading)
    form = KindForm(posted(request), found=found, initial={"version": row.version, "reading": reading})

    def act():
        told = {"kind": kind, "seen_version": form.seen_version(), "now": timezone.now()} | form.cleaned_data
        return changing.change_kind(request.principal, field=row, **told)

    outcome = form_action(request, form, act)
    if outcome.is_done:
        return go(request, reverse("core:field_change", args=[outcome.result.pk]))
    context |= {"form": form, "found": found, "conflict": outcome.conflict, "kind_label": kinds[kind]}
    context |= _preview(request.principal, of, row, found)
    return render(request, "core/fields/kind.html", context, status=outcome.status)


def _preview(principal, of: Record, row: CustomField, found: Conversion) -> dict[str, Any]:
    """Examples, the first rows whose value has no equivalent (of those that the principal sees), and what uses the field."""
    seen: Any = of.model._default_manager
    url_of = getattr(of.model, "get_absolute_url", lambda each: "")
    rows = [
        {"row": each, "value": value, "url": url_of(each)}
        for each, value in failing_rows(row, seen.visible_to(principal), found)
    ]
    return {"rows": rows, "sample": _sample(found), "uses": queries.uses_of(principal, of, row.name)}


def _sample(found: Conversion) -> list[dict[str, Any]]:
    """A few values as they are and as they would be, in records that the reader sees."""
    say = shape_of(found.to).type(found.to).words
    return [
        {"before": value.text, "after": say(load(found.to, value.becomes)), "n": value.n_seen}
        for value in [value for value in found.fitting if value.n_seen][:5]
    ]


@require_POST
def field_kind_undo(request, pk):
    require(may_administer(request.principal))
    change = get_object_or_404(FieldChange.objects.select_related("field"), pk=pk)
    try:
        changing.undo_change(request.principal, change=change, now=timezone.now())
    except ServiceError as error:
        messages.error(request, error.message)
        return go(request, reverse("core:field", args=[change.field_id]))
    return go(request, reverse("core:field_change", args=[change.pk]))


@require_safe
def field_change(request, pk):
    """How far a change of type is, or its undo."""
    require(may_administer(request.principal))
    change = get_object_or_404(FieldChange.objects.select_related("field", "user", "aside"), pk=pk)
    job = Job.objects.filter(pk=change.job_id or 0).first()
    context = {"change": change, "field": change.field, "job": job, "is_open": change.field.pending_id == change.pk}
    context["is_undo"] = change.undone_at is not None or (change.applied_at is not None and context["is_open"])
    context["seconds_left"] = seconds_left(job) if job else None
    context["may_undo"] = not context["is_open"] and queries.undoable(change.field) == change
    context["trail"] = [
        {"label": _("Custom fields"), "url": _url(_record(change.field.record))},
        {"label": change.field.label, "url": reverse("core:field", args=[change.field_id])},
        {"label": _("Change of type")},
    ]
    return render_page(request, "core/fields/change.html", context, fragment="status")


@require_POST
def field_change_stop(request, pk):
    change = get_object_or_404(FieldChange, pk=pk)
    changing.stop_change(request.principal, change=change, now=timezone.now())
    return go(request, reverse("core:field_change", args=[pk]))


@require_POST
def field_choices(request, pk):
    """The order of a field's choices after a drag (`ids`), or one step up or down (`id` and `to`)."""
    require(may_administer(request.principal))
    row = get_object_or_404(CustomField.objects.kept(), pk=pk)
    present = [option["key"] for option in row.options if not option.get("is_archived")]
    services.order_choices(request.principal, field=row, keys=_moved(request, present, request.POST.get("id")))
    return HttpResponse(status=204) if is_fragment(request) else go(request, reverse("core:field", args=[row.pk]))


@require_POST
def field_archive(request, pk):
    field = get_object_or_404(CustomField, pk=pk)
    try:
        row = services.archive_field(request.principal, field=field, now=timezone.now())
    except ServiceError as error:
        messages.error(request, error.message)
        return go(request, reverse("core:field", args=[pk]))
    undo = reverse("core:field_restore", args=[row.pk])
    messages.success(
        request, _("%(name)s archived. Its values are kept.") % {"name": row.label}, extra_tags=f"undo:{undo}"
    )
    return go(request, _url(_record(row.record)))


@require_POST
def field_restore(request, pk):
    row = get_object_or_404(CustomField, pk=pk)
    try:
        services.restore_field(request.principal, field=row)
    except ServiceError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("%(name)s restored") % {"name": row.label})
    return go(request, _url(_record(row.record)))


@require_POST
def field_order(request, record):
    """The order after a drag (`ids`), or one step up or down (`id` and `to`)."""
    of = _record(record)
    asked = whole_number(request.POST.get("id"))
    groups = [[field.pk for field in section.fields] for section in queries.sections_of(of)]
    present = next((group for group in groups if asked in group), [pk for group in groups for pk in group])
    services.order_fields(request.principal, record=of.key, ids=_moved(request, present, asked))
    return HttpResponse(status=204) if is_fragment(request) else go(request, _url(of))


@require_http_methods(["GET", "POST"])
def section_new(request, record):
    of = _record(record)
    form = SectionForm(posted(request), record=of)

    def act():
        return services.create_section(request.principal, record=of.key, **form.cleaned_data)

    return _form_page(request, of, form, act, title=_("New section"), done=_("Section added"), submit=_("Add section"))


@require_http_methods(["GET", "POST"])
def section(request, pk):
    row = get_object_or_404(FieldSection, pk=pk)
    of = _record(row.record)
    initial = {name: getattr(row, name) for name in ("name", "kind", "version")}
    form = SectionForm(posted(request), record=of, initial=initial)

    def act():
        seen = form.seen_version()
        return services.update_section(request.principal, section=row, seen_version=seen, **form.cleaned_data)

    return _form_page(request, of, form, act, title=row.name)


@require_POST
def section_order(request, record):
    of = _record(record)
    present = [row.section.pk for row in queries.sections_of(of) if row.section]
    asked = whole_number(request.POST.get("id"))
    services.order_sections(request.principal, record=of.key, ids=_moved(request, present, asked))
    return go(request, _url(of))


@require_POST
def section_remove(request, pk):
    row = get_object_or_404(FieldSection, pk=pk)
    services.remove_section(request.principal, section=row)
    messages.success(request, _("%(name)s removed. Its fields are kept.") % {"name": row.name})
    return go(request, _url(_record(row.record)))


def _moved(request, present: list[Any], asked: Any) -> list[Any]:
    """`present` in the order that was asked for."""
    kind = type(present[0]) if present else str
    given = [kind(value) for value in request.POST.getlist("ids") if kind is str or whole_number(value) is not None]
    ids = [pk for pk in given if pk in present]
    if asked in present:
        at = present.index(asked)
        ids = [pk for pk in present if pk != asked]
        ids.insert(max(0, at - 1) if request.POST.get("to") == "up" else at + 1, asked)
    return ids


def _record(key: str) -> Record:
    if key not in records:
        raise Http404
    return records[key]


def _url(of: Record) -> str:
    return reverse("core:fields_of", args=[of.key])


def _form_page(request, of, form, act, *, title, lead="", done="", submit="", template="form_page.html", more=dict):
    require(may_administer(request.principal))
    outcome = form_action(request, form, act)
    if outcome.is_done:
        messages.success(request, done or _("Saved"))
        return go(request, _url(of))
    trail = [{"label": _("Custom fields"), "url": _url(of)}, {"label": title}]
    context = {"form": form, "title": title, "lead": lead, "conflict": outcome.conflict, "trail": trail}
    context |= {"submit": submit, "back_url": _url(of)} | more()
    return render(request, template, context, status=outcome.status)
