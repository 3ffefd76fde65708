"""Forms of the import wizard."""

from typing import Any

from django import forms
from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from crm.core.base.principals import acting
from crm.core.base.reading import DECIMALS, ORDERS
from crm.core.importing import kinds, tabular
from crm.core.ui.forms import Field, Form, Helper, Layout, part_of


class UploadForm(Form):
    kind = forms.ChoiceField(label=_("What is in the file"))
    file = forms.FileField(
        label=_("File"),
        allow_empty_file=True,
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,.tsv,text/csv"}),
    )

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [
            (kind.key, kind.label) for kind in kinds.kinds() if kind.may_import(acting(user))
        ]
        self.fields["file"].help_text = _("CSV, up to %(size)s. Encoding and delimiter are recognised.") % {
            "size": filesizeformat(settings.IMPORT_MAX_BYTES)
        }


class ColumnsForm(Form):
    """How the file is read, which column fills which field, and what holds for all rows."""

    encoding = forms.ChoiceField(label=_("Encoding"), choices=tabular.ENCODINGS)
    delimiter = forms.ChoiceField(label=_("Delimiter"), choices=tabular.DELIMITERS)
    date_order = forms.ChoiceField(
        label=_("Dates look like"),
        choices=[("", _("as each column shows")), *ORDERS.items()],
        required=False,
        help_text=_("Only for columns whose dates can be read in several ways."),
    )
    decimal = forms.ChoiceField(
        label=_("Numbers look like"),
        choices=[("", _("as each column shows")), *DECIMALS.items()],
        required=False,
        help_text=_("Only for columns whose numbers can be read in several ways."),
    )
    system = forms.CharField(
        label=_("Ids in the file come from"),
        max_length=60,
        help_text=_("A name for the other system. Files of the same system recognise each other's ids."),
    )

    def __init__(self, data=None, *, job, kind: kinds.ImportKind, header: list[str]):
        options = job.options
        initial: dict[str, Any] = {**options["dialect"], **options.get("answers", {}), "system": options["system"]}
        initial |= {f"map_{field}": name for field, name in options["mapping"].items()}
        initial |= {f"default_{field}": value for field, value in options["defaults"].items()}
        super().__init__(data, initial=initial)
        self.kind = kind
        choices = [("", _("not in the file")), *((name, name) for name in header)]
        for column in kind.columns:
            self.fields[f"map_{column.name}"] = forms.ChoiceField(
                label=column.label, choices=choices, required=False, help_text=column.help_text
            )
        for column in self.default_columns():
            self.fields[f"default_{column.name}"] = _default_field(column)

    def clean(self):
        data = super().clean()
        for name in self.kind.must_ask:
            if not data.get(f"map_{name}") and not data.get(f"default_{name}") and f"default_{name}" not in self.errors:
                self.add_error(f"default_{name}", _("The file does not say. Choose what holds for all rows."))
        return data

    def default_columns(self) -> list[kinds.Column]:
        return [column for column in self.kind.columns if column.name in self.kind.defaults]

    reading = part_of(Layout("encoding", "delimiter", "date_order", "decimal", "system"))

    def mapped(self) -> Helper:
        """The fields that a column fills, or must."""
        return self._rows(lambda field, column: bool(field.value() or column.is_required or field.errors))

    def unmapped(self) -> Helper:
        """The fields without a column."""
        return self._rows(lambda field, column: not (field.value() or column.is_required or field.errors))

    def _rows(self, is_shown) -> Helper:
        columns = [column for column in self.kind.columns if is_shown(self[f"map_{column.name}"], column)]
        template = "core/importing/map_row.html"
        return part_of(Layout(*(Field(f"map_{c.name}", template=template, required=c.is_required) for c in columns)))

    def for_all_rows(self) -> Helper:
        return part_of(Layout(*(f"default_{column.name}" for column in self.default_columns())))

    def options(self) -> dict[str, Any]:
        clean = self.cleaned_data
        return {
            "dialect": {key: clean[key] for key in ("encoding", "delimiter")},
            "answers": {key: clean[key] for key in ("date_order", "decimal") if clean[key]},
            "system": clean["system"],
            "mapping": {column.name: clean[f"map_{column.name}"] for column in self.kind.columns},
            "defaults": {column.name: str(clean[f"default_{column.name}"] or "") for column in self.default_columns()},
        }


def _default_field(column: kinds.Column) -> forms.Field:
    label = _("%(field)s, where a row has none") % {"field": column.label}
    if column.choices:
        return forms.ChoiceField(label=label, choices=[("", "—"), *column.choices()], required=False)
    return forms.CharField(label=label, required=False, max_length=200)
