"""The base of every form: the layout of its fields, the version that was seen, and the browser's own inputs for dates."""

from typing import Any, ClassVar

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout, LayoutObject
from crispy_forms.utils import TEMPLATE_PACK
from django import forms
from django.forms.renderers import TemplatesSetting
from django.template.loader import get_template
from django.utils.functional import cached_property


class Renderer(TemplatesSetting):
    """Django's form templates, found next to ours."""


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


class Field(LayoutObject):
    """A field with `css`, `switch` or `optional`, or in a template of its room (which gets the page's context and `field`)."""

    def __init__(self, name: str, *, template: str | None = None, **options: Any):
        self.fields, self.template, self.options = [name], template, options

    def render(self, form, context, template_pack=TEMPLATE_PACK, **kwargs):
        return self.get_rendered_fields(
            form, context, template_pack, template=self.template, extra_context={"field_options": self.options}
        )


class Maybe(LayoutObject):
    """Fields that not every instance of the form has."""

    def __init__(self, *fields: str):
        self.fields = list(fields)

    def render(self, form, context, template_pack=TEMPLATE_PACK, **kwargs):
        return Layout(*(name for name in self.fields if name in form.fields)).render(form, context, template_pack)


class Part(LayoutObject):
    """What is no plain field: a template of the room that gets `form` and nothing else."""

    def __init__(self, template: str):
        self.fields, self.template = [], template

    def render(self, form, context, template_pack=TEMPLATE_PACK, **kwargs):
        return get_template(self.template).render({"form": form})


class Row(LayoutObject):
    """Fields beside each other (every field, if none is named); on a phone below each other."""

    template = "rapport/layout/row.html"

    def __init__(self, *fields: Any, css: str = "grid-2", **values: Any):
        self.fields, self.values = list(fields), values | {"css": css}

    def render(self, form, context, template_pack=TEMPLATE_PACK, **kwargs):
        fields = Layout(*(self.fields or [field.name for field in form.visible_fields()]))
        fields = fields.render(form, context, template_pack)
        return get_template(self.template).render(self.values | {"fields": fields})


class When(Row):
    """Fields that show only while another has a value: `When("status=former", "reason")`."""

    def __init__(self, condition: str, *fields: Any):
        super().__init__(*fields, css="", shown_when=condition)


class More(Row):
    """Fields folded away under a title."""

    template = "rapport/layout/more.html"

    def __init__(self, title: Any, *fields: Any, **values: Any):
        super().__init__(*fields, title=title, **values)


class Group(More):
    """A card of fields with a heading, and a `text` below it."""

    template = "rapport/layout/group.html"


class Helper(FormHelper):
    """What the crispy tag asks about a form. The page says where it goes, so no address is looked up."""

    form_action = ""

    def __init__(self, layout: LayoutObject | None, **told: Any):
        super().__init__()
        self.layout = layout
        self.__dict__.update(told)


def part_of(layout: LayoutObject) -> Helper:
    """Some fields of a form that stand apart from the others: `{% crispy form form.mapped %}`."""
    return Helper(layout, template="rapport/part.html")


def names_in(*layout: LayoutObject) -> list[str]:
    """The fields of a layout, for a form that is made of them."""
    return [pointer.name for pointer in Layout(*layout).get_field_names()]


class Laid:
    """Fields laid out by `layout`, each on a line of its own without one; `{% crispy form %}` draws them. Carries the version that
    the user saw, so that the service can refuse a stale write."""

    layout: ClassVar[LayoutObject | None] = None

    def get_layout(self) -> LayoutObject | None:
        return self.layout

    @cached_property
    def helper(self) -> Helper:
        return Helper(self.get_layout())

    @property
    def inner(self) -> Helper:
        """For a form inside another one's tags, where the version and what is wrong stand already: `{% crispy place place.inner %}`."""
        return Helper(self.get_layout(), form_show_errors=False)

    def seen_version(self) -> int | None:
        value = self.data.get(self.add_prefix("version")) if self.is_bound else None
        return int(value) if value and str(value).isdigit() else None

    @property
    def shown_version(self) -> str:
        """The version seen at first, also when the form comes back; "" where nothing is changed yet."""
        seen, row = self.seen_version(), getattr(self, "instance", None)
        if seen is None:
            seen = self.initial.get("version", getattr(row, "version", None) if row and row.pk else None)
        return "" if seen is None else str(seen)


class Form(Laid, forms.Form):
    """A form of no one model."""


class ModelForm(Laid, forms.ModelForm):
    """A form that checks the rules of its model too."""


class RecordForm(ModelForm):
    """A form of a row that a service saves: the service checks, locks and writes its own copy of it."""

    def _post_clean(self):
        """Writes nothing to the instance, as a ModelForm would."""
