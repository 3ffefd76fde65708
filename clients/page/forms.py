"""What narrows the timeline of a client."""

from datetime import datetime, time, timedelta

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clients.contacts.queries import people_of
from clients.page.timeline import EVERYTHING, Narrowing
from crm.core.ui.forms import DateInput
from crm.core.users.models import User

COLLEAGUE, CONTACT = "u", "c"


class TimelineForm(forms.Form):
    """`narrowing` is what its valid fields say; a field that cannot be read narrows nothing and says why."""

    q = forms.CharField(
        label=_("Text"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": _("Find in the timeline")}),
    )
    who = forms.ChoiceField(label=_("Person"), required=False)
    since = forms.DateField(label=_("From"), required=False, widget=DateInput)
    until = forms.DateField(label=_("To"), required=False, widget=DateInput)

    def __init__(self, data, *, client):
        super().__init__(data, auto_id="timeline-%s")
        contacts = [(f"{CONTACT}{place.contact_id}", place.contact.name) for place in people_of(client)]
        colleagues = User.objects.filter(is_active=True).order_by("name").values_list("pk", "name")
        self.fields["who"].choices = [
            ("", _("Anyone")),
            (_("Contacts"), contacts),
            (_("Colleagues"), [(f"{COLLEAGUE}{pk}", name) for pk, name in colleagues]),
        ]

    @property
    def narrowing(self) -> Narrowing:
        if not self.is_bound:
            return EVERYTHING
        self.is_valid()
        said = self.cleaned_data
        who = said.get("who", "")
        return Narrowing(
            text=said.get("q", ""),
            user_id=int(who[1:]) if who.startswith(COLLEAGUE) else None,
            contact_id=int(who[1:]) if who.startswith(CONTACT) else None,
            since=_midnight(said["since"]) if said.get("since") else None,
            until=_midnight(said["until"] + timedelta(days=1)) if said.get("until") else None,
        )

    def clean_until(self):
        since, until = self.cleaned_data.get("since"), self.cleaned_data["until"]
        if since and until and until < since:
            raise forms.ValidationError(_("This day is before “From”."))
        return until


def _midnight(day) -> datetime:
    """The beginning of the day in the reader's zone."""
    return timezone.make_aware(datetime.combine(day, time()))
