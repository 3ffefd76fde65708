"""The base of every form: the layout of its fields, the version and values the user saw, and native date inputs."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any, ClassVar

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout, LayoutObject
from crispy_forms.utils import TEMPLATE_PACK
from django import forms
from django.db.models import Value
from django.db.models.functions import Trim
from django.forms.renderers import TemplatesSetting
from django.template.loader import get_template
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from crm.core.base.models import Folded
from crm.core.base.reading import whole_number


class BoundField(forms.BoundField):
    """A field accepts any length of input; the server's error says how long it may be. A browser that knows maxlength
    cuts text silently.
    """

    def build_widget_attrs(self, attrs, widget=None):
        attrs = super().build_widget_attrs(attrs, widget)
        return attrs | {"maxlength": False} if "maxlength" in (widget or self.field.widget).attrs else attrs


class Renderer(TemplatesSetting):
    """Finds Django's form templates beside ours. Plain controls are put together without a template: a list of time
    zones has one template per option otherwise.
    """

    bound_field_class = BoundField

    def render(self, template_name, context, request=None):
        make = CONTROLS.get(template_name)
        return make(context["widget"]) if make else super().render(template_name, context, request)


def _attributes(widget: dict[str, Any]) -> SafeString:
    shown = ((name, value) for name, value in widget["attrs"].items() if value is not False)
    return format_html_join(
        "", "{}{}", ((f" {name}", "" if value is True else format_html('="{}"', str(value))) for name, value in shown)
    )


def _input(widget: dict[str, Any]) -> SafeString:
    value = "" if widget["value"] is None else format_html(' value="{}"', str(widget["value"]))
    return format_html('<input type="{}" name="{}"{}{}>', widget["type"], widget["name"], value, _attributes(widget))


def _textarea(widget: dict[str, Any]) -> SafeString:
    return format_html(
        '<textarea name="{}"{}>\n{}</textarea>', widget["name"], _attributes(widget), widget["value"] or ""
    )


def _options(options: list[dict[str, Any]]) -> SafeString:
    return format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        ((str(option["value"]), _attributes(option), option["label"]) for option in options),
    )


def _select(widget: dict[str, Any]) -> SafeString:
    groups = format_html_join(
        "",
        "{}",
        (
            (format_html('<optgroup label="{}">{}</optgroup>', name, _options(options)) if name else _options(options),)
            for name, options, _index in widget["optgroups"]
        ),
    )
    return format_html('<select name="{}"{}>{}</select>', widget["name"], _attributes(widget), groups)


def _searched(widget: dict[str, Any]) -> SafeString:
    """Where no script finds rows, somebody types the whole name."""
    label, name, typed = _("Or its exact name"), widget["name"], widget["typed"]
    box = format_html('<input type="text" class="form-control" name="{}{}" value="{}">', name, TYPED, typed)
    return format_html('{}<noscript><label class="d-block mt-1">{} {}</label></noscript>', _select(widget), label, box)


TYPED = "-typed"  # after the name of a field: its row by name
CONTROLS: dict[str, Callable[[dict[str, Any]], SafeString]] = {
    "django/forms/widgets/select.html": _select,
    "django/forms/widgets/textarea.html": _textarea,
    "searched_select.html": _searched,
    **{
        f"django/forms/widgets/{kind}.html": _input
        for kind in ("text", "number", "email", "url", "password", "hidden", "date", "time", "datetime", "input", "tel")
    },
}


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self, **kwargs):
        super().__init__(format="%Y-%m-%d", **kwargs)


class TimeInput(forms.TimeInput):
    input_type = "time"

    def __init__(self, **kwargs):
        super().__init__(format="%H:%M", **kwargs)


class DateTimeInput(forms.DateTimeInput):
    input_type = "datetime-local"

    def __init__(self, **kwargs):
        super().__init__(format="%Y-%m-%dT%H:%M", **kwargs)


class Typed(str):
    """The name of a row, as somebody typed it."""

    __slots__ = ()


class SearchedSelect(forms.Select):
    """Renders only the chosen row; the page queries `data-combobox-url` for rows that match the input. Without JavaScript there is a box for
    the exact name, which goes before the choice."""

    template_name = "searched_select.html"

    def value_from_datadict(self, data, files, name):
        typed = str(data.get(f"{name}{TYPED}") or "").replace("\0", "").strip()
        return Typed(typed) if typed else super().value_from_datadict(data, files, name)

    def value_omitted_from_data(self, data, files, name):
        return f"{name}{TYPED}" not in data and super().value_omitted_from_data(data, files, name)

    def get_context(self, name, value, attrs):
        is_typed = isinstance(value, Typed)
        context = super().get_context(name, None if is_typed else value, attrs)
        context["widget"]["typed"] = value if is_typed else ""
        return context

    def optgroups(self, name, value, attrs=None):
        shown, rows = copy(self), self.choices.queryset
        chosen = rows.filter(pk__in=[each for each in value if whole_number(each)])
        shown.choices = [("", self.choices.field.empty_label), *((row.pk, str(row)) for row in chosen)]
        return super(SearchedSelect, shown).optgroups(name, value, attrs)


class SearchedField(forms.ModelChoiceField):
    """One of many rows, found by typing. A form sets the `queryset` that its user sees."""

    def __init__(self, queryset, *, url: str, **kwargs):
        widget = SearchedSelect(attrs={"data-combobox": "", "data-combobox-url": url})
        super().__init__(queryset, widget=widget, **kwargs)

    def to_python(self, value):
        return self._named(value) if isinstance(value, Typed) else super().to_python(value)

    def _named(self, text: str) -> Any:
        """The one that is called so, of those that the form offers."""
        rows = self._called(text).order_by("pk")[:2]
        if len(rows) == 1:
            return rows[0]
        words = _("More than one is called “%(name)s”.") if rows else _("Nothing is called “%(name)s”.")
        raise forms.ValidationError(words % {"name": text[:80]}, code="typed")

    def _called(self, text: str) -> Any:
        """A model whose `name_key` sorts by something else than the name as people see it says in `shown_key` which column has that."""
        model, folded = self.queryset.model, Folded(Value(text))
        if key := getattr(model, "shown_key", ""):  # `contains` finds it by the index
            return self.queryset.alias(called=Trim(key)).filter(**{f"{key}__contains": folded, "called": folded})
        if hasattr(model, "name_key"):
            return self.queryset.filter(name_key=folded)
        by = next((name for name in ("number", "name") if hasattr(model, name)), None)
        return self.queryset.filter(**{by: text}) if by else self.queryset.none()

    def has_changed(self, initial, data):
        return isinstance(data, Typed) or super().has_changed(initial, data)


# For a future day: chips for the next days, and words such as “fri 14” or “in 2 weeks” (static/js/days.js)
TO_COME = {"data-days": ""}


class Asks:
    """A form that asks for confirmation. What it asks about goes into the hidden field `asked`; sending the form again
    confirms it. If that has changed since, the form asks again.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["asked"] = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean(self):
        data = super().clean() or self.cleaned_data
        data.pop("asked", None)
        return data

    def is_meant(self, about: str) -> bool:
        """Whether this value was asked about and the form sent again."""
        return self.data.get(self.add_prefix("asked"), "") == about

    def ask(self, about: str, words: str, *, field: str | None = None) -> None:
        """Refuse the form with a question beside the field (None: the whole form); sending it again confirms."""
        if not self.is_meant(about):
            self.data = self.data.copy()
            self.data[self.add_prefix("asked")] = about
            self.add_error(field, words)


class AsksAboutPast(Asks):
    """A form whose day `asked_day` is usually in the future: it asks about a past day."""

    asked_day: ClassVar[str]

    def clean(self):
        data = super().clean()
        day = data.get(self.asked_day)
        is_new = self.asked_day in self.changed_data or not self.initial.get(self.asked_day)
        if day and day < timezone.localdate() and is_new:
            words = _("This day has passed. Save again to keep it, or choose another.")
            self.ask(day.isoformat(), words, field=self.asked_day)
        return data


class Field(LayoutObject):
    """A field with `css`, `switch` or `optional`, or rendered by its room's template (which gets the page's context and
    `field`).
    """

    def __init__(self, name: str, *, template: str | None = None, **options: Any):
        self.fields, self.template, self.options = [name], template, options

    def render(self, form, context, template_pack=TEMPLATE_PACK, **kwargs):
        return self.get_rendered_fields(
            form, context, template_pack, template=self.template, extra_context={"field_options": self.options}
        )


class Maybe(LayoutObject):
    """Fields that only some instances of the form have."""

    def __init__(self, *fields: str):
        self.fields = list(fields)

    def render(self, form, context, template_pack=TEMPLATE_PACK, **kwargs):
        return Layout(*(name for name in self.fields if name in form.fields)).render(form, context, template_pack)


class Part(LayoutObject):
    """A part that is not a plain field: the room's template, which gets only `form`."""

    def __init__(self, template: str):
        self.fields, self.template = [], template

    def render(self, form, context, template_pack=TEMPLATE_PACK, **kwargs):
        return get_template(self.template).render({"form": form})


class Row(LayoutObject):
    """Fields side by side (all fields if none is named); stacked on a phone."""

    template = "rapport/layout/row.html"

    def __init__(self, *fields: Any, css: str = "grid-2", **values: Any):
        self.fields, self.values = list(fields), values | {"css": css}

    def render(self, form, context, template_pack=TEMPLATE_PACK, **kwargs):
        fields = Layout(*(self.fields or [field.name for field in form.visible_fields()]))
        fields = fields.render(form, context, template_pack)
        return get_template(self.template).render(self.values | {"fields": fields})


class When(Row):
    """Fields shown only while another has a value: `When("status=former", "reason")`."""

    def __init__(self, condition: str, *fields: Any):
        super().__init__(*fields, css="", shown_when=condition)


class More(Row):
    """Fields in a collapsed section with a title."""

    template = "rapport/layout/more.html"

    def __init__(self, title: Any, *fields: Any, **values: Any):
        super().__init__(*fields, title=title, **values)


class Group(More):
    """A card of fields with a heading and a `text` below it."""

    template = "rapport/layout/group.html"


class Helper(FormHelper):
    """Options for the crispy tag. The page sets the form's action, so no URL is looked up."""

    form_action = ""

    def __init__(self, layout: LayoutObject | None, **told: Any):
        super().__init__()
        self.layout = layout
        self.__dict__.update(told)


def part_of(layout: LayoutObject, *, keep: bool = False) -> Helper:
    """Some fields of a form, rendered apart from the others: `{% crispy form form.mapped %}`. `keep`: they look the same
    for everybody who has typed nothing, so they are rendered once for a language and their values.
    """
    return (KeptHelper if keep else Helper)(layout, template="rapport/part.html")


class KeptHelper(Helper):
    """Fields whose looks depend only on their values, attributes and language, not on rows or on the user."""

    AT_MOST = 200
    _kept: ClassVar[dict[tuple[Any, ...], SafeString]] = {}

    def render_layout(self, form, context, template_pack=TEMPLATE_PACK):
        if form.is_bound:
            return super().render_layout(form, context, template_pack)
        fields = [form[pointer.name] for pointer in self.layout.get_field_names()]
        shown = tuple(
            (f.html_name, str(f.field.widget.format_value(f.value())), str(f.field.widget.attrs)) for f in fields
        )
        key = (id(self), get_language(), shown)
        made = self._kept.get(key)  # another thread may empty it at any moment
        if made is None:
            made = super().render_layout(form, context, template_pack)
            if len(self._kept) >= self.AT_MOST:
                self._kept.clear()
            self._kept[key] = made
        return made


def names_in(*layout: LayoutObject) -> list[str]:
    """The fields of a layout, for a form built from them."""
    return [pointer.name for pointer in Layout(*layout).get_field_names()]


@dataclass(frozen=True)
class Clash:
    """A field that two people changed: the current value, what this user typed, and hidden inputs with the current
    value, in case the user chooses it.
    """

    name: str
    label: str
    theirs: Any
    yours: Any
    inputs: SafeString = SafeString("")


class Laid:
    """Fields laid out by `layout`, or one per line without it; `{% crispy form %}` renders them.

    A form of a row carries the version that the user saw, so that the service can refuse a stale write, and the value
    of each field at that time. If someone else saved meanwhile, `merge_onto` takes over the fields that the user did
    not change.
    """

    layout: ClassVar[LayoutObject | None] = None
    merges: ClassVar[bool] = True  # False for a decision about everything that was seen
    compared: ClassVar[bool] = True  # False where its fields are none of the record's
    unseen: tuple[str, ...] = ()  # fields whose current value the user may not see

    def get_layout(self) -> LayoutObject | None:
        return self.layout

    @cached_property
    def helper(self) -> Helper:
        return Helper(self.get_layout())

    @property
    def inner(self) -> Helper:
        """For a form inside another one's tags, which already has the version and the errors: `{% crispy place
        place.inner %}`.
        """
        return Helper(self.get_layout(), form_show_errors=False)

    def seen_version(self) -> int | None:
        value = self.data.get(self.add_prefix("version")) if self.is_bound else None
        return whole_number(value)

    @property
    def shown_version(self) -> str:
        """The version the user first saw, kept when the form is shown again; "" if there is none."""
        seen, row = self.seen_version(), getattr(self, "instance", None)
        if seen is None:
            seen = self.initial.get("version", getattr(row, "version", None) if row and row.pk else None)
        return "" if seen is None else str(seen)

    # The values the user saw

    @property
    def has_seen(self) -> bool:
        return self.is_bound and "seen" in self.data

    def _seen_name(self, name: str) -> str:
        return f"initial-{self.add_prefix(name)}"

    def _seen_raw(self, name: str) -> Any:
        widget = self.fields[name].hidden_widget()
        return widget.value_from_datadict(self.data, self.files, self._seen_name(name))

    def hidden_inputs(self, start: str, values: dict[str, Any]) -> SafeString:
        pairs = (
            (self.fields[name].hidden_widget(), f"{start}{self.add_prefix(name)}", v) for name, v in values.items()
        )
        return format_html_join("", "{}", ((widget.render(key, value),) for widget, key, value in pairs))

    @property
    def seen_values(self) -> SafeString:
        """Hidden inputs with the value of each field when the user began. None for a new row."""
        if not self.shown_version or not self.merges or (self.is_bound and not self.has_seen):
            return SafeString("")
        read = self._seen_raw if self.is_bound else lambda name: self[name].value()
        names = [name for name, field in self.fields.items() if name not in self.unseen and not field.disabled]
        return SafeString('<input type="hidden" name="seen" value="1">') + self.hidden_inputs(
            "initial-", {name: read(name) for name in names}
        )

    def _seen(self, name: str) -> Any:
        return self.fields[name].to_python(self._seen_raw(name))

    def is_touched(self, name: str) -> bool:
        """Whether the user changed the field since the form was shown."""
        try:
            return self.fields[name].has_changed(self._seen(name), self[name].data)
        except forms.ValidationError:
            return True

    @cached_property
    def changed_data(self) -> list[str]:
        if not self.has_seen:
            return [name for name, bound in self._bound_items() if bound._has_changed()]
        return [name for name in self.fields if name not in self.unseen and self.is_touched(name)]

    def value_in(self, row: Any, name: str) -> Any:
        """The value of a field in a saved row. Raises AttributeError if the row has no such attribute."""
        initial_of = getattr(self, "initial_of", None)
        value = initial_of(row)[name] if initial_of else getattr(row, name)
        return list(value.all()) if hasattr(value, "all") else value

    def merge_onto(self, current: Any) -> list[Clash]:
        """Take over the saved values of the fields that the user did not change. Returns the fields that both changed
        to different values. The form is validated again afterwards.
        """
        self.data, clashes = self.data.copy(), []
        for name, field in self.fields.items():
            try:
                saved = self.value_in(current, name)
            except (AttributeError, KeyError):
                continue
            if name in self.unseen or field.disabled:
                continue
            theirs, typed = field.prepare_value(saved), self[name].data
            if not self.is_touched(name):
                self._put(self.add_prefix(name), theirs)
            elif field.has_changed(self._seen(name), theirs) and field.has_changed(saved, typed):
                inputs = self.hidden_inputs("theirs-", {name: theirs})
                clashes.append(Clash(name, str(self[name].label), saved, self.cleaned_data.get(name), inputs))
            self._put(self._seen_name(name), theirs)
        self._put(self.add_prefix("version"), current.version)
        self.check_again()
        return clashes

    def take_theirs(self) -> None:
        """Apply the user's choices in a conflict (`keep-name`: theirs)."""
        chosen = [name for name in self.fields if self.data.get(f"keep-{self.add_prefix(name)}") == "theirs"]
        if not chosen:
            return
        self.data = self.data.copy()
        for name in chosen:
            key = self.add_prefix(name)
            self.data.setlist(key, self.data.getlist(f"theirs-{key}"))
        self.check_again()

    def _put(self, key: str, value: Any) -> None:
        if isinstance(value, list | tuple):
            self.data.setlist(key, value)
        else:
            self.data[key] = "" if value is None else value

    def check_again(self) -> None:
        """Validate again after the data was changed."""
        self.__dict__.pop("changed_data", None)
        self.full_clean()


class Form(Laid, forms.Form):
    """A form without a model."""


class ModelForm(Laid, forms.ModelForm):
    """A form that also checks the rules of its model."""


class RecordForm(ModelForm):
    """A form of a row that a service saves: the service checks, locks and writes its own copy of the row."""

    def _post_clean(self):
        """Does not write to the instance, unlike a ModelForm."""


class FilesInput(forms.FileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files; empty ones too, for the service says what is wrong with each."""

    widget = FilesInput

    def __init__(self, **kwargs):
        super().__init__(allow_empty_file=True, **kwargs)

    def clean(self, data, initial=None):
        files = data if isinstance(data, list | tuple) else [data]
        return [super(FilesField, self).clean(file, initial) for file in files or [None]]
