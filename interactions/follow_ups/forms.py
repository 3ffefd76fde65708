from django import forms
from django.utils.translation import gettext_lazy as _

from clients.engagements.forms import offer_engagements
from crm.core.base.zones import zone_choices
from crm.core.fields.forms import CatalogueForm, UserField, WallTimeField
from crm.core.ui.forms import TO_COME, AsksAboutPast, DateTimeInput, Form, Layout, Maybe, More, Row
from interactions.fields import contact_field
from interactions.follow_ups.choices import REPEATS
from interactions.follow_ups.fields import FOLLOW_UP_FIELDS


class FollowUpForm(AsksAboutPast, CatalogueForm):
    catalogue = FOLLOW_UP_FIELDS
    asked_day = "due_date"
    layout = Layout(
        "title",
        Row("due_date", "assignee"),
        More(
            _("Time, repeats, note"),
            Row("due_time", "time_zone", "rrule", "priority"),
            Maybe("contact"),
            Maybe("engagement"),
            "note",
        ),
    )

    def __init__(self, *args, client, principal, **kwargs):
        super().__init__(*args, **kwargs)
        present = self.instance.engagement_id or self.initial.get("engagement")
        offer_engagements(self, principal=principal, client=client, present=present)
        self.fields["time_zone"].choices = zone_choices(_("Assignee’s time zone"))
        del self.fields["contact"]
        if client is not None:
            self.fields["contact"] = contact_field(client)
        self.rule = self.instance.rrule
        self.initial["rrule"] = plain = plain_rule(self.rule)
        if self.rule and plain == self.rule and self.rule not in dict(REPEATS):
            self.fields["rrule"].choices = [*REPEATS, (self.rule, self.rule)]

    def clean_rrule(self):
        """The saved rule with its anchor, if the choice was not changed."""
        chosen = self.cleaned_data["rrule"]
        return self.rule if chosen == plain_rule(self.rule) else chosen


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
        label=_("Outcome"),
        widget=forms.Textarea(attrs={"rows": 3, "autofocus": True}),
    )


class SnoozeForm(Form):
    until = WallTimeField(label=_("Snooze until"), widget=DateTimeInput(attrs=TO_COME))


class ReassignForm(Form):
    """No preselected colleague: type a few letters of the name."""

    assignee = UserField(
        label=_("Colleague"),
        empty_label=_("Type a name"),
        widget=forms.Select(attrs={"data-combobox": ""}),
        error_messages={"required": _("Choose a colleague.")},
    )
