"""Forms of the import wizard."""

from typing import Any

from django import forms
from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from crm.core.base.deciding import Decision
from crm.core.base.principals import acting
from crm.core.importing import kinds, readers, tabular
from crm.core.importing.kinds import CONFIRMED, LEFT_OUT
from crm.core.ui.forms import Field, Form, Helper, Layout, part_of
from crm.core.users.models import User


class UploadForm(Form):
    kind = forms.ChoiceField(label=_("What is in the file"))
    file = forms.FileField(
        label=_("File"),
        allow_empty_file=True,
        widget=forms.ClearableFileInput(),
    )

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = _kinds_for(user)
        self.fields["file"].widget.attrs["accept"] = ",".join(readers.endings())
        self.fields["file"].help_text = _("%(formats)s, up to %(size)s.") % {
            "formats": ", ".join(readers.formats()),
            "size": filesizeformat(settings.IMPORT_MAX_BYTES),
        }


class TableForm(Form):
    """Which of a file's tables to import, and as what."""

    table = forms.ChoiceField(
        label=_("Table"), widget=forms.RadioSelect, error_messages={"required": _("Choose a table.")}
    )
    kind = forms.ChoiceField(label=_("What is in the table"))

    def __init__(self, data=None, *, job):
        initial = {"table": job.options["table"], "kind": job.kind.removeprefix("import:")}
        super().__init__(data, initial=initial)
        tables = job.options["tables"]
        self.fields["table"].choices = [(key, _said(title, total)) for key, title, total, _kind in tables]
        self.fields["kind"].choices = _kinds_for(job.user)
        if all(kind for _key, _title, _total, kind in tables):  # each says itself
            del self.fields["kind"]


def _kinds_for(user: User) -> list[tuple[str, Any]]:
    return [(kind.key, kind.label) for kind in kinds.kinds() if kind.may_import(acting(user))]


def _said(title: str, total: int) -> str:
    rows = ngettext("%(n)s row", "%(n)s rows", total) % {"n": number_format(total, force_grouping=True)}
    return f"{title} · {rows}"


class ColumnsForm(Form):
    """How the file is read, which column fills which field, and the answers for all rows."""

    encoding = forms.ChoiceField(label=_("Encoding"), choices=tabular.ENCODINGS)
    delimiter = forms.ChoiceField(label=_("Delimiter"), choices=tabular.DELIMITERS)
    system = forms.CharField(
        label=_("IDs in the file come from"),
        max_length=60,
        required=False,
        widget=forms.TextInput(attrs={"list": "import-systems", "autocomplete": "off"}),
        help_text=_("The name of the other system, such as salesforce. Files from the same system share IDs."),
    )

    def __init__(self, data=None, *, job, kind: kinds.ImportKind, header: list[str], decisions: dict[str, Decision]):
        options = job.options
        initial: dict[str, Any] = {**options["dialect"], "system": options["system"]}
        initial |= {f"read_{field}": value for field, value in options.get("answers", {}).items()}
        initial |= {f"map_{field}": name for field, name in options["mapping"].items()}
        initial |= {"default_owner": job.user.email} if "owner" in kind.must_ask else {}
        initial |= {f"default_{field}": value for field, value in options["defaults"].items()}
        super().__init__(data, initial=initial)
        self.kind, self.header = kind, header
        for name in {"encoding", "delimiter"} - options["dialect"].keys():  # of what is no text, or no table
            del self.fields[name]
        choices = [("", _("not in the file")), *((name, name) for name in header)]
        for column in kind.columns:
            self.fields[f"map_{column.name}"] = forms.ChoiceField(
                label=column.label, choices=choices, required=False, help_text=column.help_text
            )
        for column in self.default_columns():
            self.fields[f"default_{column.name}"] = _default_field(column)
        if (samples := options.get("encodings")) and "encoding" in self.fields:
            pairs = samples.items() if isinstance(samples, dict) else samples  # jobs from 0.2 have a dict
            self.fields["encoding"] = _encoding_field([*pairs])
        labels = {column.name: column.label for column in kind.columns}
        self.asked = [name for name, decision in decisions.items() if decision.must_ask]
        for name in self.asked:
            self.fields[f"read_{name}"] = _reading_field(labels[name], decisions[name])

    def clean(self):
        data = super().clean()
        for name in self.kind.must_ask:
            if not data.get(f"map_{name}") and not data.get(f"default_{name}") and f"default_{name}" not in self.errors:
                self.add_error(f"default_{name}", _("The file does not say. Choose one value for all rows."))
        if not data.get("system") and any(data.get(f"map_{name}") for name in self.kind.ids):
            self.add_error("system", _("Say which system the IDs in this file come from."))
        return data

    def default_columns(self) -> list[kinds.Column]:
        return [column for column in self.kind.columns if column.name in self.kind.defaults]

    def reading(self) -> Helper:
        return part_of(Layout(*(name for name in ("encoding", "delimiter", "system") if name in self.fields)))

    def questions(self) -> Helper:
        """One question for each column whose format is undecided."""
        return part_of(Layout(*(f"read_{name}" for name in self.asked)))

    def mapped(self) -> Helper:
        """The fields that have a column, or need one."""
        return self._rows(lambda field, column: bool(field.value() or self._is_needed(column) or field.errors))

    def unmapped(self) -> Helper:
        """The fields without a column."""
        return self._rows(lambda field, column: not (field.value() or self._is_needed(column) or field.errors))

    def _is_needed(self, column: kinds.Column) -> bool:
        """Whether no row can be imported without it or another field of its group."""
        groups = [*self.kind.needs, (column.name,) if column.is_required else ()]
        return any(column.name in group and not any(self[f"map_{n}"].value() for n in group) for group in groups)

    @property
    def unused(self) -> list[str]:
        """Columns of the file that fill no field."""
        used = {self[f"map_{column.name}"].value() for column in self.kind.columns}
        return [name for name in self.header if name not in used]

    def _rows(self, is_shown) -> Helper:
        columns = [column for column in self.kind.columns if is_shown(self[f"map_{column.name}"], column)]
        template = "core/importing/map_row.html"
        return part_of(
            Layout(*(Field(f"map_{c.name}", template=template, required=self._is_needed(c)) for c in columns))
        )

    def for_all_rows(self) -> Helper:
        return part_of(Layout(*(f"default_{column.name}" for column in self.default_columns())))

    def options(self) -> dict[str, Any]:
        clean = self.cleaned_data
        return {
            "dialect": {key: clean[key] for key in ("encoding", "delimiter") if key in clean},
            "answers": {name: clean[f"read_{name}"] for name in self.asked},
            "system": clean["system"],
            "mapping": {column.name: clean[f"map_{column.name}"] for column in self.kind.columns},
            "defaults": {column.name: str(clean[f"default_{column.name}"] or "") for column in self.default_columns()},
        }


def _encoding_field(samples: list[tuple[str, list[str]]]) -> forms.Field:
    """Some lines of the file in each possible encoding, the likeliest first."""
    names = dict(tabular.ENCODINGS)
    choices = [(code, f"{names[code]}: {' / '.join(lines)}") for code, lines in samples]
    return forms.ChoiceField(label=_("Which of these reads right?"), choices=choices, widget=forms.RadioSelect)


def _reading_field(label: Any, decision: Decision) -> forms.Field:
    """Samples of a column, as each option reads them."""
    choices = []
    for option in decision.options:
        samples = "; ".join(f"{written} → {read}" for written, read in option.samples)
        misfits = ngettext("%(n)d unreadable cell", "%(n)d unreadable cells", option.misfits)
        choices.append((option.value, f"{samples} ({misfits % {'n': option.misfits}})" if option.misfits else samples))
    error = _("Choose how to read this column.")
    return forms.ChoiceField(label=label, choices=choices, widget=forms.RadioSelect, error_messages={"required": error})


def _default_field(column: kinds.Column) -> forms.Field:
    label = _("%(field)s, where a row has none") % {"field": column.label}
    if column.choices:
        return forms.ChoiceField(label=label, choices=[("", "—"), *column.choices()], required=False)
    return forms.CharField(label=label, required=False, max_length=200, help_text=column.help_text)


class PeopleForm(Form):
    """The colleagues meant by the names in the file."""

    def __init__(self, data=None, *, job):
        super().__init__(data)
        self.names = [name for name, _count in job.report.get("unknown_people", [])]
        people = [("", _("Nobody here")), *((user.email, user.name) for user in User.objects.active())]
        for at, (name, count) in enumerate(job.report.get("unknown_people", [])):
            label = _("%(name)s (in %(count)s rows)") % {"name": name, "count": count}
            self.fields[f"person_{at}"] = forms.ChoiceField(label=label, choices=people, required=False)

    def people(self) -> dict[str, str]:
        chosen = {name: self.cleaned_data[f"person_{at}"] for at, name in enumerate(self.names)}
        return {name: email for name, email in chosen.items() if email}


class StartForm(Form):
    """What to do with rows that have a question."""

    questions = forms.ChoiceField(
        label=_("Flagged rows"),
        choices=[(LEFT_OUT, _("Skip these rows")), (CONFIRMED, _("Import them as shown"))],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what to do with the flagged rows.")},
    )

    def __init__(self, data=None, *, job):
        super().__init__(data)
        if not job.report.get("questions"):
            del self.fields["questions"]
