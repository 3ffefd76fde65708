"""The outbox's filter, and the words for kinds and states of mail."""

from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from crm.core.choices import MailState

KINDS = {
    "account": _("Login and password"),
    "invitation": _("Invitation"),
    "follow-up": _("Reminder"),
    "progress": _("Progress email"),
    "progress-review": _("Progress email to review"),
    "progress-test": _("Test of a progress email"),
    "survey": _("Survey"),
}
TONES = {
    MailState.SENT: "green",
    MailState.UNCERTAIN: "amber",
    MailState.DEAD: "red",
    MailState.EXPIRED: "red",
    MailState.HELD: "amber",
    MailState.PENDING: "blue",
    MailState.LEASED: "blue",
    MailState.SENDING: "blue",
}


class OutboxFilter(forms.Form):
    """All fields may be empty; what cannot be read is left out."""

    q = forms.CharField(required=False, max_length=100, strip=True)
    state = forms.ChoiceField(required=False, choices=[("", _("Any state")), *MailState.choices])
    kind = forms.ChoiceField(required=False, choices=[("", _("Any kind")), *KINDS.items()])
    client = forms.IntegerField(required=False, min_value=1)
    cursor = forms.CharField(required=False, max_length=300)

    def values(self) -> dict:
        self.is_valid()
        return {name: self.cleaned_data.get(name) or "" for name in self.fields}

    def narrow(self, rows: QuerySet) -> QuerySet:
        values = self.values()
        if values["q"]:
            rows = rows.filter(
                Q(to_address__icontains=values["q"])
                | Q(to_name__icontains=values["q"])
                | Q(subject__icontains=values["q"])
            )
        for name, column in (("state", "state"), ("kind", "kind"), ("client", "client_id")):
            if values[name]:
                rows = rows.filter(**{column: values[name]})
        return rows


class StopForm(forms.Form):
    address = forms.EmailField(label=_("Address"), max_length=254)
    detail = forms.CharField(label=_("Why"), max_length=200, required=False)


class StoppedFilter(forms.Form):
    q = forms.CharField(required=False, max_length=100, strip=True)
    cursor = forms.CharField(required=False, max_length=300)

    def values(self) -> dict:
        self.is_valid()
        return {name: self.cleaned_data.get(name) or "" for name in self.fields}


class ReleaseForm(forms.Form):
    """Two buttons of one name."""

    cancel_waiting = forms.BooleanField(required=False)


class AnswerForm(forms.Form):
    let_through = forms.BooleanField(required=False)
