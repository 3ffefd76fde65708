"""Which record to merge with, and whose values the kept one has."""

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.contacts.models import Contact
from clients.records.models import Client
from crm.core.ui.forms import Form, Layout, SearchedField

KEPT, AWAY = "kept", "away"
URLS = {Client: "/clients/options/", Contact: "/contacts/options/"}


class PickForm(Form):
    """The other record, of those that the principal may merge."""

    layout = Layout("other")

    def __init__(self, *args, principal, record, **kwargs):
        super().__init__(*args, **kwargs)
        model = type(record)
        rows = model.objects.visible_to(principal).kept().exclude(pk=record.pk)
        label = _("Other client") if model is Client else _("Other contact")
        self.fields["other"] = SearchedField(rows, url=URLS[model], label=label, empty_label="—")


class MergeForm(forms.Form):
    """A choice for each field in which the two differ, and the versions that were seen."""

    kept_version = forms.IntegerField(widget=forms.HiddenInput, min_value=0, max_value=2**31 - 1)
    away_version = forms.IntegerField(widget=forms.HiddenInput, min_value=0, max_value=2**31 - 1)

    def __init__(self, *args, choices, **kwargs):
        super().__init__(*args, **kwargs)
        self.choices = choices
        for choice in choices:
            self.fields[f"take-{choice.name}"] = forms.ChoiceField(
                label=choice.label,
                choices=[(KEPT, choice.kept), (AWAY, choice.away)],
                initial=AWAY if choice.is_taken else KEPT,
                required=False,
                error_messages={"invalid_choice": gettext_lazy("Choose one of the two.")},
            )

    @property
    def rows(self):
        """(choice, its name in the form, whether the other record's value is chosen, error) for the page."""
        for choice in self.choices:
            bound = self[f"take-{choice.name}"]
            yield choice, bound.html_name, bound.value() == AWAY, bound.errors

    @property
    def taken(self) -> list[str]:
        """The fields whose value of the other record is kept; what was not sent is as it was suggested."""
        said = {choice: self.cleaned_data[f"take-{choice.name}"] for choice in self.choices}
        return [choice.name for choice, side in said.items() if side == AWAY or (not side and choice.is_taken)]

    @property
    def seen(self) -> tuple[int, int]:
        return self.cleaned_data["kept_version"], self.cleaned_data["away_version"]
