from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.core.base.deciding import Option
from crm.core.fields.custom.choices import CHOSEN, COMPUTED, FILTERED, RANGED, UNIQUE, WRITTEN, Kind
from crm.core.fields.custom.computed import checker_of, shown
from crm.core.fields.custom.converting import Conversion
from crm.core.fields.custom.entries import Record, records
from crm.core.fields.custom.models import CustomField, FieldSection
from crm.core.fields.custom.rollups import How, sources_of
from crm.core.fields.custom.services import SETTINGS
from crm.core.ui.forms import Field, Form, Layout, Maybe, Row, When

OPTION = "option-"
MADE_UP = {"options", "formula", "rollup"}  # settings that are no field of the form as they are
SWITCHES = ("is_required", "is_unique", "is_filtered")


class FieldForm(Form):
    """A custom field. Its choices stand one per line for a new field, one in each box afterwards."""

    label = forms.CharField(label=_("Name"), max_length=60, error_messages={"required": _("Enter a name.")})
    kind = forms.ChoiceField(label=_("Type"), choices=Kind.choices, initial=Kind.TEXT)
    section = forms.ModelChoiceField(
        FieldSection.objects.none(), label=_("Section"), required=False, empty_label=_("None")
    )
    hint = forms.CharField(
        label=_("Help text"), max_length=200, required=False, help_text=_("Shown below the field in the form.")
    )
    options = forms.CharField(
        label=_("Choices"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("One per line."),
    )
    least = forms.CharField(label=_("Lowest value"), max_length=30, required=False)
    most = forms.CharField(label=_("Highest value"), max_length=30, required=False)
    decimals = forms.IntegerField(label=_("Decimals"), min_value=0, max_value=6, required=False, initial=0)
    pattern = forms.CharField(
        label=_("Pattern"),
        max_length=60,
        required=False,
        help_text=_("9 is a digit, A a letter, ? either, * any text: FI99999999. Leave empty to accept anything."),
    )
    formula = forms.CharField(
        label=_("Formula"),
        required=False,
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "class": "formula-text"}),
        help_text=_("Such as [Seats] * [Price]. All fields and functions stand below."),
    )
    source = forms.ChoiceField(label=_("Roll up"), required=False)
    how = forms.ChoiceField(label=_("How"), required=False, choices=How.choices)
    days = forms.IntegerField(
        label=_("In the last … days"),
        min_value=1,
        max_value=36_500,
        required=False,
        help_text=_("Leave empty for all."),
    )
    is_required = forms.BooleanField(label=_("Required"), required=False)
    is_unique = forms.BooleanField(
        label=_("Unique"),
        required=False,
        help_text=_(
            "No two records may have the same value. Entering a value shows whether it is taken, even by a record one cannot see."
        ),
    )
    is_filtered = forms.BooleanField(
        label=_("Filter and sort lists by it"),
        required=False,
        initial=True,
        help_text=_("For a roll-up this reads all related records each time. Switch it off if there are very many."),
    )

    def __init__(self, *args: Any, record: Record, field: CustomField | None = None, **kwargs: Any):
        super().__init__(*args, initial=self._initial(field) | kwargs.pop("initial", {}), **kwargs)
        self.record, self.field = record, field
        self.fields["section"].queryset = FieldSection.objects.filter(record=record.key)  # type: ignore[attr-defined]
        self.sources = sources_of(record.key, (field.rollup if field else {}).get("source", ""))
        self._add_sources()
        if field is None:
            return
        self.fields["kind"].disabled = True
        if field.kind not in COMPUTED:
            self.fields["kind"].help_text = _("“Change type” shows what would become of the values.")
        for option in self._offered():
            self.fields[f"{OPTION}{option['key']}"] = forms.CharField(
                label=option["label"], max_length=80, required=False, initial=option["label"]
            )
        self.fields["options"].label = _("More choices")

    @staticmethod
    def _initial(field: CustomField | None) -> dict[str, Any]:
        if field is None:
            return {}
        names = [name for name in (*SETTINGS, "kind", "version") if name not in MADE_UP]
        made = {name: getattr(field, name) for name in names}
        told = field.rollup
        if field.kind == Kind.FORMULA:
            made["formula"] = shown_formula(field)
        elif told:
            key = told["source"]
            made |= {"source": key, "how": told["how"], "days": told.get("days") or None}
            made |= {f"value-{key}": told.get("value", ""), f"where-{key}": told.get("where", [])}
        return made

    def _add_sources(self) -> None:
        """What can be rolled up: of each source its values and conditions."""
        if not self.sources:
            for name in ("source", "how", "days"):
                del self.fields[name]
            kinds: Any = self.fields["kind"]
            kinds.choices = [pair for pair in kinds.choices if pair[0] != Kind.ROLLUP]
            return
        self.fields["source"].choices = [(each.key, each.label) for each in self.sources]  # type: ignore[attr-defined]
        for each in self.sources:
            self.fields[f"value-{each.key}"] = forms.ChoiceField(
                label=_("Value"), required=False, choices=[(m.key, m.label) for m in each.measures]
            )
            self.fields[f"where-{each.key}"] = forms.MultipleChoiceField(
                label=_("Only those"),
                required=False,
                choices=[(c.key, str(c.label)) for c in each.conditions],
                widget=forms.SelectMultiple(attrs={"data-combobox": ""}),
                help_text=each.counted,
            )

    def _offered(self) -> list[dict[str, Any]]:
        options = self.field.options if self.field else []
        return [option for option in options if not option.get("is_archived")]

    def get_layout(self) -> Layout:
        boxes = [f"{OPTION}{option['key']}" for option in self._offered()]
        own = [Row(*boxes)] if boxes else []
        return Layout(
            Row("label", "kind"),
            "section",
            "hint",
            *self._for(CHOSEN, *own, Field("options")),
            *self._for({Kind.FORMULA}, "formula"),
            *(self._for({Kind.ROLLUP}, *self._rollup()) if self.sources else []),
            *self._for(RANGED, Row("least", "most")),
            *self._for({Kind.NUMBER, *COMPUTED}, "decimals"),
            *self._for(WRITTEN, "pattern"),
            *self._for(set(Kind) - COMPUTED, Field("is_required", switch=True)),
            *self._for(UNIQUE, Field("is_unique", switch=True)),
            *self._for(FILTERED, Field("is_filtered", switch=True)),
        )

    def _for(self, kinds: Any, *parts: Any) -> list[Any]:
        """For these types: shown when one is chosen; of a field that exists, its own parts alone."""
        if self.field is not None:
            return [*parts] if self.field.kind in kinds else []
        return [When("kind=" + " ".join(sorted(kinds)), *parts)]

    def _rollup(self) -> list[Any]:
        """Each source with its own values and conditions."""
        parts: list[Any] = [Row("source", "how")]
        for each in self.sources:
            of_value = [When("how=" + " ".join(sorted(set(How) - {How.COUNT})), f"value-{each.key}")]
            parts.append(When(f"source={each.key}", *(of_value if each.measures else []), f"where-{each.key}"))
        return [*parts, "days"]

    def add_error(self, field, error):
        """What is wrong with a roll-up stands at what is rolled up."""
        super().add_error("source" if field == "rollup" and "source" in self.fields else field, error)

    def clean_decimals(self) -> int:
        return self.cleaned_data["decimals"] or 0

    def settings(self) -> dict[str, Any]:
        """The arguments of the service."""
        values = {name: self.cleaned_data[name] for name in SETTINGS if name not in MADE_UP}
        return values | {"options": self._options(), "formula": self.cleaned_data["formula"], "rollup": self._told()}

    def _told(self) -> dict[str, Any]:
        """The roll-up as it is kept."""
        data, key = self.cleaned_data, self.cleaned_data.get("source")
        if not key or data.get("kind") != Kind.ROLLUP:
            return {}
        made = {"source": key, "how": data["how"], "where": data[f"where-{key}"], "days": data["days"] or 0}
        return made if data["how"] == How.COUNT else made | {"value": data[f"value-{key}"]}

    def _options(self) -> list[dict[str, Any]]:
        """Those of the field with their new labels (an emptied one is archived), then the new ones. A line that names an archived
        choice brings it back."""
        made: list[dict[str, Any]] = []
        for option in self.field.options if self.field else []:
            label = self.cleaned_data.get(f"{OPTION}{option['key']}", "")
            is_archived = option.get("is_archived") or not label
            made.append({"key": option["key"], "label": label or option["label"], "is_archived": bool(is_archived)})
        gone = {option["label"].casefold(): option for option in made if option["is_archived"]}
        for line in self.cleaned_data["options"].splitlines():
            label = " ".join(line.split())
            if label.casefold() in gone:
                gone[label.casefold()]["is_archived"] = False
            elif label:
                made.append({"label": label})
        return made


def checker_for(of: Record) -> Any:
    """What a formula of the record may name."""
    known = CustomField.objects.filter(record=of.key).select_related("section")
    return checker_of(of.catalogue, of.catalogue.custom, list(known))


def shown_formula(field: CustomField) -> str:
    """The formula with the labels of its fields."""
    return shown(checker_for(records[field.record]), field.formula)


class SectionForm(Form):
    name = forms.CharField(label=_("Name"), max_length=80, error_messages={"required": _("Enter a name.")})
    kind = forms.ChoiceField(label=_("Only for"), required=False)

    def __init__(self, *args: Any, record: Record, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if record.custom.kinds:
            self.fields["kind"].choices = [("", _("All")), *record.custom.kinds]  # type: ignore[attr-defined]
        else:
            del self.fields["kind"]


class KindForm(Form):
    """A new type for a field: how its texts are written, if they leave it open, and what becomes of values without an equivalent."""

    layout = Layout(Maybe("reading"), Maybe("keeps_aside"))
    reading = forms.ChoiceField(label=_("How are the values written?"), widget=forms.RadioSelect)
    keeps_aside = forms.TypedChoiceField(
        label=_("Values without an equivalent"),
        coerce=lambda value: value == "keep",
        choices=[
            ("refuse", _("Change nothing while there are any")),
            ("keep", _("Keep their text in a field of its own, beside this one")),
        ],
        initial="refuse",
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, found: Conversion, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if found.decision is not None and found.decision.options:
            words = [(each.value, _reading_words(each)) for each in found.decision.options]
            self.fields["reading"].choices = words  # type: ignore[attr-defined]
        else:
            del self.fields["reading"]
        if not found.n_failing:
            del self.fields["keeps_aside"]


def _reading_words(option: Option) -> str:
    """“31/12/2026 is 31 December 2026”."""
    said = [
        gettext("“%(text)s” is %(meaning)s") % {"text": text, "meaning": meaning} for text, meaning in option.samples
    ]
    return ", ".join(said) or option.value
