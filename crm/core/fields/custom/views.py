"""The firm's own fields, set up by admins."""

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
from crm.core.fields.custom import queries, services
from crm.core.fields.custom.choices import RANGED
from crm.core.fields.custom.entries import Record, records
from crm.core.fields.custom.forms import FieldForm, SectionForm
from crm.core.fields.custom.models import CustomField, FieldSection
from crm.core.fields.custom.values import limit, shape_of
from crm.core.ui.actions import form_action
from crm.core.ui.htmx import go, is_fragment, posted


@require_safe
def fields(request, record=""):
    """Fields by section, with how many records have a value."""
    require(may_administer(request.principal))
    of = _record(record or next(iter(records)).key)
    sections = queries.sections_of(of)
    shown = [field for section in sections for field in section.fields]
    usage = queries.usage_of(request.principal, of, shown) if shown else {}
    for field in shown:
        field.usage, field.rules = usage[field.pk], _rules(field)
    archived = CustomField.objects.archived().filter(record=of.key).order_by("label")
    tabs = [
        {"label": each.label, "url": _url(each), "current": each is of} for each in records.shown(request.principal)
    ]
    context = {"of": of, "sections": sections, "archived": archived, "tabs": tabs, "kinds": dict(of.custom.kinds)}
    context["has_sections"] = any(row.section for row in sections)
    return render(request, "core/fields/list.html", context)


def _rules(field: CustomField) -> list[str]:
    """What the field demands, in words."""
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

    return _form_page(request, of, form, act, title=_("New field"), done=_("Field added"), submit=_("Add field"))


@require_http_methods(["GET", "POST"])
def field(request, pk):
    row = get_object_or_404(CustomField.objects.kept(), pk=pk)
    of = _record(row.record)
    form = FieldForm(posted(request), record=of, field=row)

    def act():
        return services.update_field(request.principal, field=row, seen_version=form.seen_version(), **form.settings())

    return _form_page(
        request, of, form, act, title=row.label, lead=_("%(name)s in files and the API") % {"name": row.name}
    )


@require_POST
def field_archive(request, pk):
    row = services.archive_field(request.principal, field=get_object_or_404(CustomField, pk=pk), now=timezone.now())
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


def _moved(request, present: list[int], asked: int | None) -> list[int]:
    given = [whole_number(value) for value in request.POST.getlist("ids")]
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


def _form_page(request, of, form, act, *, title, lead="", done="", submit=""):
    require(may_administer(request.principal))
    outcome = form_action(request, form, act)
    if outcome.is_done:
        messages.success(request, done or _("Saved"))
        return go(request, _url(of))
    trail = [{"label": _("Custom fields"), "url": _url(of)}, {"label": title}]
    context = {"form": form, "title": title, "lead": lead, "conflict": outcome.conflict, "trail": trail}
    context |= {"submit": submit, "back_url": _url(of)}
    return render(request, "form_page.html", context, status=outcome.status)
