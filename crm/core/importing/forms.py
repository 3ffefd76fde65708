"""Forms of the import wizard."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from crm.core.base.deciding import Decision
from crm.core.base.principals import acting
from crm.core.base.reading import Conventions, read_moment
from crm.core.base.zones import zone_choices
from crm.core.firm.queries import firm_zone
from crm.core.importing import kinds, readers, tabular
from crm.core.importing.kinds import BOTH, CONFIRMED, CREATE, LEFT_OUT, UPDATE
from crm.core.importing.planner import kind_of
from crm.core.importing.presets import reason
from crm.core.ui.forms import Field, FilesField, FilesInput, Form, Helper, Layout, part_of
from crm.core.users.models import User


class UploadForm(Form):
    file = FilesField(
        label=_("Files"),
        widget=FilesInput(),
        error_messages={"required": _("Choose a file.")},
    )
    kind = forms.ChoiceField(label=_("What is in the file"), required=False)

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [("", _("Detect automatically")), *_kinds_for(user)]
        self.fields["file"].widget.attrs["accept"] = ",".join(readers.endings())
        words = _("All files of an export at once, in any order. %(formats)s, up to %(size)s each.")
        self.fields["file"].help_text = words % {
            "formats": ", ".join(readers.formats()),
            "size": filesizeformat(settings.IMPORT_MAX_BYTES),
        }


class ReadAgainForm(Form):
    """The files of an upload that could not be told, once more."""

    kind = forms.ChoiceField(label=_("What is in the file"), required=False)

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [("", _("Detect automatically")), *_kinds_for(user)]


def _kinds_for(user: User) -> list[tuple[str, Any]]:
    return [(kind.key, kind.label) for kind in kinds.kinds() if kind.may_import(acting(user))]


class AddForm(Form):
    """More files of the same export."""

    file = FilesField(label=_("Files"), widget=FilesInput(), error_messages={"required": _("Choose a file.")})

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["file"].widget.attrs["accept"] = ",".join(readers.endings())


class KindForm(Form):
    """What is in a file."""

    kind = forms.ChoiceField(label=_("What is in the file"))

    def __init__(self, data=None, *, job):
        super().__init__(data, initial={"kind": job.kind.removeprefix("import:")}, auto_id=f"id_%s_{job.pk}")
        self.fields["kind"].choices = _kinds_for(job.user)


class ZoneForm(Form):
    """The zone of a system's times that name none."""

    system = forms.CharField(widget=forms.HiddenInput, required=False)
    zone = forms.ChoiceField(label=_("Time zone"), choices=zone_choices)

    def __init__(self, data=None, *, system: str = "", times: tuple[str, ...] = ()):
        own = firm_zone().key
        super().__init__(data, initial={"system": system, "zone": own}, auto_id=f"id_%s_{system}")
        self.fields["zone"].help_text = "; ".join(as_read(times, own))


def as_read(times: Iterable[str], zone: str) -> list[str]:
    """Times without a zone, as they are read in one: written → in the reader's own time."""
    found = []
    for text in times:
        with suppress(ValueError, KeyError):
            moment = read_moment(text, Conventions(zone=ZoneInfo(zone), date_order="dmy" if "." in text else "mdy"))
            local = timezone.localtime(moment)
            found.append(f"{text} → {date_format(local, 'j M Y, H:i')} ({local.tzname()})")
    return found


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


def _said(title: str, total: int) -> str:
    rows = ngettext("%(n)s row", "%(n)s rows", total) % {"n": number_format(total, force_grouping=True)}
    return f"{title} · {rows}"


MODE_LABELS = [(BOTH, _("Create and update")), (CREATE, _("Only create")), (UPDATE, _("Only update"))]


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

    mode = forms.ChoiceField(label=_("Records"), choices=MODE_LABELS, required=False)
    save_as = forms.CharField(
        label=_("Save these columns as"),
        max_length=80,
        required=False,
        help_text=_("Rapport offers them when you upload a file with the same columns."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(
        self,
        data=None,
        *,
        job,
        kind: kinds.ImportKind,
        header: list[str],
        decisions: dict[str, Decision],
        times: tuple[str, ...] = (),
    ):
        options = job.options
        initial: dict[str, Any] = {**options["dialect"], "system": options["system"], "mode": options.get("mode", BOTH)}
        initial |= {f"read_{field}": value for field, value in options.get("answers", {}).items()}
        initial |= {f"map_{field}": name for field, name in options["mapping"].items()}
        initial |= {"default_owner": job.user.email} if "owner" in kind.must_ask else {}
        initial |= {f"default_{field}": value for field, value in options["defaults"].items()}
        super().__init__(data, initial=initial)
        self.kind, self.header, self.left_out = kind, header, options.get("left_out", {})
        if times:
            chosen = (data or {}).get("zone") or options.get("zone") or firm_zone().key
            self.fields["zone"] = forms.ChoiceField(
                label=_("Time zone of times without one"),
                choices=zone_choices,
                initial=chosen,
                help_text="; ".join(as_read(times, chosen)),
            )
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
        names = ("encoding", "delimiter", "system", "zone")
        return part_of(Layout(*(name for name in names if name in self.fields)))

    saving = part_of(Layout("save_as"))

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
        """Columns of the file that fill no field, besides those that are left out for a reason."""
        return [name for name in self._not_used() if name not in self.left_out]

    @property
    def reasons(self) -> list[tuple[str, list[str]]]:
        """[(why, the columns that are left out for it)]"""
        found: dict[str, list[str]] = {}
        for name in self._not_used():
            if name in self.left_out:
                found.setdefault(reason(self.left_out[name]), []).append(name)
        return [*found.items()]

    @property
    def understood(self) -> int:
        """How many columns of the file fill a field, or are left out for a reason."""
        return len(self.header) - len(self.unused)

    def _not_used(self) -> list[str]:
        used = {self[f"map_{column.name}"].value() for column in self.kind.columns}
        return [name for name in self.header if name not in used]

    def _rows(self, is_shown) -> Helper:
        columns = [column for column in self.kind.columns if is_shown(self[f"map_{column.name}"], column)]
        template = "core/importing/map_row.html"
        return part_of(
            Layout(*(Field(f"map_{c.name}", template=template, required=self._is_needed(c)) for c in columns))
        )

    def for_all_rows(self) -> Helper:
        return part_of(Layout("mode", *(f"default_{column.name}" for column in self.default_columns())))

    def options(self) -> dict[str, Any]:
        clean = self.cleaned_data
        return {
            "dialect": {key: clean[key] for key in ("encoding", "delimiter") if key in clean},
            "answers": {name: clean[f"read_{name}"] for name in self.asked},
            "system": clean["system"],
            "zone": clean.get("zone", ""),
            "mode": clean["mode"],
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


def name_of_word(vocabulary: str, word: str) -> str:
    """Of its field in ValuesForm."""
    return "value_" + hashlib.sha256(f"{vocabulary}|{word}".encode()).hexdigest()[:16]


KEEP, OMIT, ADD = "", "-", "+"  # what may become of a word, besides what it means


class ValuesForm(Form):
    """What the words of the file mean that nobody here knows, a field for each, named after its word: an answer to a word that is no
    longer asked about is ignored.
    """

    def __init__(self, data=None, *, jobs: Iterable[Any], user: User):
        super().__init__(data)
        self.words: list[tuple[str, str, str]] = []  # (name of the form's field, vocabulary, word)
        self.parts: list[tuple[str, Helper]] = []  # (label of the field, its words)
        for column, found in _unknown(jobs):
            names, choices = [], _meanings(column, acting(user))
            for word, count in found.items():
                name = name_of_word(column.vocabulary.key, word)
                self.words.append((name, column.vocabulary.key, word))
                label = ngettext("%(word)s (in %(n)s row)", "%(word)s (in %(n)s rows)", count)
                label %= {"word": word, "n": number_format(count, force_grouping=True)}
                self.fields[name] = forms.ChoiceField(label=label, choices=choices, required=False)
                names.append(name)
            self.parts.append((str(column.label), part_of(Layout(*names))))

    def values(self) -> dict[str, dict[str, str]]:
        """{vocabulary: {word: what it means here}}; what stays as it is, is not in it."""
        said: dict[str, dict[str, str]] = {}
        for name, key, word in self.words:
            if chosen := self.cleaned_data[name]:
                said.setdefault(key, {})[word] = {OMIT: "", ADD: word}.get(chosen, chosen)
        return said

    def new(self) -> dict[str, list[str]]:
        """{vocabulary: the words that are added to it}"""
        added: dict[str, list[str]] = {}
        for name, key, word in self.words:
            if self.cleaned_data[name] == ADD:
                added.setdefault(key, []).append(word)
        return added


def _unknown(jobs: Iterable[Any]) -> list[tuple[Any, Counter]]:
    """[(a column of the vocabulary, {word that nobody knows: in how many rows})] over the jobs that were checked."""
    found: dict[str, tuple[Any, Counter]] = {}
    for job in jobs:
        columns = {each.vocabulary.key: each for each in kind_of(job).columns if each.vocabulary}
        for key, words in job.report.get("unknown", []):
            if key in columns:
                found.setdefault(key, (columns[key], Counter()))[1].update(dict(words))
    return [*found.values()]


def _meanings(column: kinds.Column, principal: Any) -> list[tuple[str, Any]]:
    vocabulary: Any = column.vocabulary
    is_people = vocabulary.key == kinds.PEOPLE
    asis = _("Nobody here") if is_people else _("Add it") if vocabulary.is_made else _("Leave as it is")
    creator = kinds.creators.get(vocabulary.key)
    more = [(ADD, _("Add it"))] if creator and creator.may(principal) else []
    omit = [] if is_people else [(OMIT, _("Leave it out"))]
    options = [(str(value), str(label)) for value, label in vocabulary.options() if value != ""]
    return [(KEEP, asis), *more, *omit, *options]


FLAGGED = [(LEFT_OUT, _("Skip these rows")), (CONFIRMED, _("Import them as shown"))]


class MoveForm(Form):
    """What becomes of rows that have a question, in all files of a move."""

    questions = forms.ChoiceField(
        label=_("Rows that would rename a record"), choices=FLAGGED, initial=LEFT_OUT, required=False
    )


class StartForm(Form):
    """What to do with rows that have a question."""

    questions = forms.ChoiceField(
        label=_("Flagged rows"),
        choices=FLAGGED,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what to do with the flagged rows.")},
    )

    def __init__(self, data=None, *, job):
        super().__init__(data)
        if not job.report.get("questions"):
            del self.fields["questions"]
