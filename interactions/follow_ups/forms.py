from django import forms
from django.utils.translation import gettext_lazy as _

from crm.core.base.zones import zone_choices
from crm.core.ui.forms import DateInput, Form, Layout, Maybe, Row, TimeInput
from interactions.fields import PersonField, WallTimeField, colleagues, contact_field
from interactions.follow_ups.choices import Priority

REPEATS = [
    ("", _("Never")),
    ("FREQ=DAILY", _("Every working day")),
    ("FREQ=WEEKLY", _("Every week")),
    ("FREQ=WEEKLY;INTERVAL=2", _("Every two weeks")),
    ("FREQ=MONTHLY", _("Every month")),
    ("FREQ=MONTHLY;INTERVAL=3", _("Every quarter")),
    ("FREQ=YEARLY", _("Every year")),
]


class FollowUpForm(Form):
    layout = Layout(
        "title",
        Row("due_date", "due_time", "assignee", "priority", "rrule", "time_zone"),
        "note",
        Maybe("contact"),
    )

    title = forms.CharField(
        max_length=200, label=_("What is to be done"), widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    due_date = forms.DateField(label=_("Due"), widget=DateInput)
    due_time = forms.TimeField(
        required=False, label=_("At"), widget=TimeInput, help_text=_("Empty: by the end of the day, 17:00.")
    )
    assignee = PersonField(queryset=colleagues(), label=_("Who"), empty_label=None)
    priority = forms.TypedChoiceField(
        choices=Priority.choices, coerce=int, initial=Priority.NORMAL, label=_("Priority")
    )
    rrule = forms.ChoiceField(
        choices=REPEATS,
        required=False,
        label=_("Repeats"),
        help_text=_("Moved to the next working day where it falls on a holiday."),
    )
    time_zone = forms.ChoiceField(required=False, label=_("Time zone"))
    note = forms.CharField(required=False, max_length=10_000, label=_("Note"), widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args, client, follow_up=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["time_zone"].choices = zone_choices(_("Of who does it"))
        if client is not None:
            self.fields["contact"] = contact_field(client)
        self.rule = follow_up.rrule if follow_up else ""
        if self.rule and plain_rule(self.rule) == self.rule and self.rule not in dict(REPEATS):
            self.fields["rrule"].choices = [*REPEATS, (self.rule, self.rule)]

    def clean_rrule(self):
        """The saved rule with its anchor, if the choice was not changed."""
        chosen = self.cleaned_data["rrule"]
        return self.rule if chosen == plain_rule(self.rule) else chosen

    @staticmethod
    def initial_of(follow_up):
        names = (
            "title",
            "due_date",
            "due_time",
            "assignee",
            "priority",
            "rrule",
            "time_zone",
            "note",
            "contact",
            "version",
        )
        return {name: getattr(follow_up, name) for name in names} | {"rrule": plain_rule(follow_up.rrule)}


def plain_rule(rule):
    """The choice that a rule with its anchor (FREQ=WEEKLY;BYDAY=FR) was made from; other rules unchanged."""
    parts = dict(part.split("=") for part in rule.split(";")) if rule else {}
    plain = ";".join(f"{name}={value}" for name, value in parts.items() if name in ("FREQ", "INTERVAL"))
    is_anchored = not {"COUNT", "UNTIL"} & set(parts) and "," not in parts.get("BYDAY", "")
    return plain if is_anchored and plain in dict(REPEATS) else rule


class OutcomeForm(Form):
    outcome = forms.CharField(
        required=False,
        max_length=5_000,
        label=_("What came of it"),
        widget=forms.Textarea(attrs={"rows": 3, "autofocus": True}),
    )


class SnoozeForm(Form):
    until = WallTimeField(label=_("Show it again"))


class ReassignForm(Form):
    """Nobody is chosen beforehand: type a few letters of the name."""

    assignee = PersonField(
        queryset=colleagues(),
        label=_("Colleague"),
        empty_label=_("Type a name"),
        widget=forms.Select(attrs={"data-combobox": ""}),
        error_messages={"required": _("Choose a colleague.")},
    )
