"""Forms for logging and correcting an interaction."""

from datetime import timedelta
from uuid import uuid4

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clients.engagements.forms import offer_engagements
from crm.core.base.principals import acting
from crm.core.fields.forms import CatalogueForm, CustomSections, UserField
from crm.core.ui.days import weekday_and_day
from crm.core.ui.forms import DateInput, Field, Layout, Maybe, Row, TimeInput, When, part_of
from interactions.agreements.models import TEXT_AT_MOST
from interactions.fields import contacts_of
from interactions.log.fields import INTERACTION_FIELDS
from interactions.recording.services import NextStep

OTHER_DAY = "other"
SHAPE = {"autocomplete": "off"}


def quick_days(today):
    """[(ISO date, words)] for a next step: today, tomorrow, this Friday, next Monday, in two weeks."""
    friday = today + timedelta(days=(4 - today.weekday()) % 7)
    monday = today + timedelta(days=7 - today.weekday())
    days = [
        (today, _("Today")),
        (today + timedelta(days=1), _("Tomorrow")),
        (friday, None),
        (monday, None),
        (monday + timedelta(days=7), None),
    ]
    seen, choices = set(), []
    for day, words in days:
        if day not in seen:
            seen.add(day)
            choices.append((day.isoformat(), words or weekday_and_day(day, today)))
    return choices


class InteractionFields(CatalogueForm):
    """The fields that logging and correcting share."""

    catalogue = INTERACTION_FIELDS
    names = (
        "channel",
        "direction",
        "subject",
        "body",
        "occurred_at",
        "duration_minutes",
        "sentiment",
        "visibility",
        "contacts",
        "participants",
        "engagement",
    )

    def __init__(self, *args, client, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.client, self.user = client, user
        self.fields["contacts"].queryset = contacts_of(client)
        principal = acting(user)
        offer_engagements(self, principal=principal, client=client, present=self.instance.engagement_id)
        self.add_custom(principal)

    def clean(self):
        data = super().clean()
        if "body" not in self.fields:  # one field, edited in place
            return data
        if not self.errors.get("body") and not (data.get("body", "").strip() or data.get("subject", "").strip()):
            self.add_error("body", _("Enter a subject or a summary."))
        return data

    def values(self):
        """The keyword arguments of the services."""
        return {name: self.cleaned_data[name] for name in (*self.names, *self.custom_names) if name in self.fields}


class LogForm(InteractionFields):
    """The composer: this lays out what a chip opens; the page has the chips."""

    when = part_of(Layout("occurred_at", "duration_minutes"), keep=True)
    decided = part_of(Layout("decision", "decision_shared"), keep=True)
    next_what = part_of(Layout("next_title"), keep=True)
    next_when = part_of(
        Layout(When(f"next_day={OTHER_DAY}", "next_date"), Field("next_time", optional=True)), keep=True
    )
    about = part_of(Layout("engagement"))
    seen_by = part_of(Layout("visibility"), keep=True)
    needed = part_of(Layout(CustomSections(required=True)))
    own = part_of(Layout(CustomSections(required=False)))

    decision = forms.CharField(
        required=False, max_length=TEXT_AT_MOST, label=_("What was agreed"), widget=forms.Textarea(attrs={"rows": 3})
    )
    decision_shared = forms.BooleanField(required=False, label=_("Shared with the client"))
    next_title = forms.CharField(
        required=False, max_length=200, label=_("What needs doing?"), widget=forms.TextInput(attrs=SHAPE)
    )
    next_day = forms.CharField(required=False, label=_("Due"))
    next_date = forms.DateField(required=False, label=_("Day"), widget=DateInput)
    next_time = forms.TimeField(required=False, label=_("At"), widget=TimeInput)
    once = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput, initial=uuid4)
    next_assignee = UserField(required=False, label=_("Who"), empty_label=_("Me"))

    def __init__(self, *args, today, **kwargs):
        super().__init__(*args, **kwargs)
        self.quick_days = quick_days(today)
        self.fields["next_day"].initial = self.quick_days[1][0]
        self.fields["duration_minutes"].widget.attrs |= {"data-chip-suffix": _("min"), "inputmode": "numeric"}
        self.fields["occurred_at"].widget.attrs |= {"data-today": today.isoformat(), "data-today-word": _("Today")}
        self.fields["next_title"].widget.attrs["data-chip-needed"] = ""

    def clean_occurred_at(self):
        """Now, if the prefilled time was left as it was."""
        typed = self.data.get("occurred_at")
        return timezone.now() if typed and typed == self.data.get("untouched") else self.cleaned_data["occurred_at"]

    def clean(self):
        data = super().clean()
        data["next_on"] = None
        if data.get("next_title", "").strip() and "next_date" in data:
            data["next_on"] = self._next_on(data)
            if data["next_on"] is None:
                self.add_error("next_date", _("Choose a day."))
        return data

    def _next_on(self, data):
        if data.get("next_day") in ("", OTHER_DAY):
            return data.get("next_date")
        try:
            return forms.DateField(input_formats=["%Y-%m-%d"]).clean(data["next_day"])
        except forms.ValidationError:
            return None

    def next_step(self):
        """The NextStep, or None without one."""
        data = self.cleaned_data
        if not data["next_on"]:
            return None
        zone = timezone.get_current_timezone_name() if data["next_time"] else ""
        return NextStep(data["next_title"], data["next_on"], data["next_time"], data["next_assignee"], zone)


class CorrectForm(InteractionFields):
    """Correct an interaction."""

    layout = Layout(
        Row("channel", "direction"),
        "subject",
        "body",
        Row("occurred_at", "duration_minutes"),
        *(Field(name, css="in-line") for name in ("contacts", "participants", "sentiment")),
        Maybe("engagement"),
        "visibility",
        CustomSections(),
    )
