"""Forms about the views and the columns of a list."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from crm.core.listing.columns import LEAST_WIDTH, MOST_WIDTH
from crm.core.listing.models import LONGEST_NAME
from crm.core.ui.forms import Field, Form, Layout

WIDTH = "width-"


class ViewForm(Form):
    name = forms.CharField(label=_("Name"), max_length=LONGEST_NAME, error_messages={"required": _("Enter a name.")})
    is_shared = forms.BooleanField(
        label=_("Share with everyone"),
        required=False,
        help_text=_("Colleagues find it among their views. Each sees only the rows they may see."),
    )
    layout = Layout("name", Field("is_shared", switch=True))


class StartForm(forms.Form):
    """What a list opens with: a view, or the query of a ready-made one; nothing: as it was left."""

    view = forms.IntegerField(required=False, min_value=1, max_value=2**62)
    query = forms.CharField(required=False, max_length=2000)


class OrderForm(forms.Form):
    """The views in their new order, or the one that moves up or down."""

    ids = forms.TypedMultipleChoiceField(required=False, coerce=int)
    view = forms.IntegerField(required=False)
    where = forms.ChoiceField(required=False, choices=[("up", ""), ("down", "")])

    def __init__(self, data: Any, pks: list[int]):
        super().__init__(data)
        self.pks = pks
        self.fields["ids"].choices = [(pk, pk) for pk in pks]  # type: ignore[attr-defined]

    def order(self) -> list[int]:
        """The numbers of all views, in the order that was asked for."""
        moved, pks = self.cleaned_data["view"], [*dict.fromkeys([*self.cleaned_data["ids"], *self.pks])]
        if moved in pks:
            at = pks.index(moved)
            to = max(0, at - 1) if self.cleaned_data["where"] == "up" else min(len(pks) - 1, at + 1)
            pks.insert(to, pks.pop(at))
        return pks


class _Width(forms.IntegerField):
    def __init__(self, label: Any):
        words = _("Enter a width from %(least)d to %(most)d, or nothing.") % {"least": LEAST_WIDTH, "most": MOST_WIDTH}
        errors = dict.fromkeys(("invalid", "min_value", "max_value"), words)
        super().__init__(
            label=label, required=False, min_value=LEAST_WIDTH, max_value=MOST_WIDTH, error_messages=errors
        )


class WidthsForm(forms.Form):
    """`width-key`: pixels; none for a column that is left to the browser."""

    def __init__(self, data: Any, page: Any):
        super().__init__(data)
        for key, column in page.offered.items():
            self.fields[f"{WIDTH}{key}"] = _Width(column.label)

    @property
    def widths(self) -> dict[str, int]:
        return {
            name.removeprefix(WIDTH): value
            for name, value in self.cleaned_data.items()
            if value and name.startswith(WIDTH)
        }


class ColumnsForm(WidthsForm):
    """`columns`: the keys that are ticked, in the order in which they stand. `move`: “key:up” or “key:down” changes the order
    first, for who has no script. `reset`: back to the list's own."""

    columns = forms.MultipleChoiceField(required=False)
    move = forms.CharField(required=False, max_length=100)
    reset = forms.BooleanField(required=False)

    def __init__(self, data: Any, page: Any):
        super().__init__(data, page)
        self.fields["columns"].choices = [(key, column.label) for key, column in page.offered.items()]  # type: ignore[attr-defined]

    @property
    def keys(self) -> list[str]:
        """Also of a form that is refused, so that it comes back as it was sent."""
        keys = list(dict.fromkeys(self.cleaned_data.get("columns", ())))
        key, _colon, where = self.cleaned_data.get("move", "").rpartition(":")
        if key in keys:
            at = keys.index(key)
            keys.insert(max(0, at - 1) if where == "up" else at + 1, keys.pop(at))
        return keys
