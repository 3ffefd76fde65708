"""Forms of progress emails: the schedule, the content, the decision."""

from django import forms
from django.utils.translation import gettext_lazy as _

from clients.contacts.models import Affiliation, Contact
from crm.core.base.zones import zone_choices
from crm.core.firm.queries import get_firm
from crm.core.ui.actions import Difference
from crm.core.ui.forms import Field, Form, Layout, ModelForm, More, Part, Row, TimeInput
from interactions.progress.models import ProgressEmail, ProgressSchedule
from interactions.progress.sections import SECTIONS
from interactions.progress.services.drafts import clean_content
from interactions.progress.services.schedules import possible_recipients

LEADS = [
    (0, _("at the deadline")),
    (30, _("30 minutes before")),
    (60, _("1 hour before")),
    (180, _("3 hours before")),
    (360, _("6 hours before")),
    (1440, _("a day before")),
]


class RecipientsField(forms.ModelMultipleChoiceField):
    def label_from_instance(self, contact):
        return contact.name


class ScheduleForm(ModelForm):
    recipients = RecipientsField(
        queryset=Contact.objects.none(), required=False, label=_("Recipients"), widget=forms.CheckboxSelectMultiple
    )
    time_zone = forms.ChoiceField(label=_("In the time zone"))
    lead_minutes = forms.TypedChoiceField(label=_("Send"), choices=LEADS, coerce=int)

    class Meta:
        model = ProgressSchedule
        fields = [
            "is_active",
            "weekday",
            "deadline_time",
            "time_zone",
            "lead_minutes",
            "recipients",
            "is_review_needed",
            "when_nothing",
            "on_holiday",
        ]
        widgets = {"deadline_time": TimeInput(), "when_nothing": forms.RadioSelect, "on_holiday": forms.RadioSelect}
        labels = {
            "weekday": _("Every"),
            "deadline_time": _("Deliver by"),
            "is_review_needed": _("Require review before sending"),
            "is_active": _("Send a progress email every week"),
            "when_nothing": _("When there is nothing to report"),
            "on_holiday": _("When that day is a holiday, yours or theirs"),
        }
        help_texts = {
            "is_review_needed": _("If nobody approves it, it is held and you are notified."),
            "on_holiday": _(
                "Holidays come from Settings and the client's country. If no earlier working day is left that week, it is sent on the next one. "
                "If there is none, that week is skipped."
            ),
        }

    def __init__(self, *args, client, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["recipients"].queryset = possible_recipients(client)
        self.fields["time_zone"].choices = zone_choices()
        self.fields["on_holiday"].required = False
        if self.instance.pk:
            self.initial["recipients"] = list(self.instance.recipients.values_list("contact_id", flat=True))
        else:
            self.initial["time_zone"] = client.time_zone or get_firm().time_zone
            main = Affiliation.objects.filter(client=client, is_primary=True).current().values("contact_id")
            self.initial["recipients"] = list(self.fields["recipients"].queryset.filter(pk__in=main))
        self.initial["version"] = self.instance.version if self.instance.pk else 0
        lead = self.instance.lead_minutes
        if lead not in dict(LEADS):
            self.fields["lead_minutes"].choices = [*LEADS, (lead, _("%(n)d minutes before") % {"n": lead})]

    def get_layout(self):
        has_recipients = bool(self.fields["recipients"].queryset)
        return Layout(
            Field("is_active", switch=True),
            Row("weekday", "deadline_time", css="grid-2 keep-2"),
            Row("time_zone", "lead_minutes"),
            "recipients" if has_recipients else Part("interactions/progress/no_recipients.html"),
            "is_review_needed",
            "when_nothing",
            "on_holiday",
        )

    def clean_on_holiday(self):
        return self.cleaned_data["on_holiday"] or self.instance.on_holiday


class ContentForm(Form):
    """Subject, summary, one field per section with a line for each item, closing. Who approves has read it all: nothing merges."""

    merges = False

    subject = forms.CharField(label=_("Subject"), max_length=200)
    summary = forms.CharField(
        label=_("Summary"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3, "data-shortcut": "e", "data-shortcut-label": _("Edit")}),
    )
    closing = forms.CharField(
        label=_("Closing"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args, email: ProgressEmail, **kwargs):
        content = readable(email.content)
        kwargs["initial"] = {
            "subject": email.subject,
            "summary": content.get("summary", ""),
            "closing": content.get("closing", ""),
            "version": email.version,
        } | kwargs.get("initial", {})
        super().__init__(*args, **kwargs)
        self.sections = _sections_of(content)
        for section in self.sections:
            lines = "\n".join(str(line) for line in section["items"])
            self.fields[f"section_{section['key']}"] = forms.CharField(
                label=section["title"],
                required=False,
                max_length=8000,
                initial=lines,
                widget=forms.Textarea(
                    attrs={"rows": max(2, min(8, len(section["items"]) + 1)), "class": "progress-lines"}
                ),
            )
        self.order_fields(
            ["subject", "summary", *(f"section_{section['key']}" for section in self.sections), "closing"]
        )

    def get_layout(self):
        """Sections with lines, then the others folded away."""
        fields = [self[f"section_{section['key']}"] for section in self.sections]
        filled = [field.name for field in fields if field.value()]
        empty = [field for field in fields if not field.value()]
        more = More(
            _("More sections"),
            *(field.name for field in empty),
            aside=", ".join(str(field.label) for field in empty),
            open=not filled,
        )
        note = Part("interactions/progress/lines_note.html")
        return Layout("subject", "summary", note, *filled, *([more] if empty else []), "closing")

    def says_the_same(self, email: ProgressEmail) -> bool:
        """Whether nothing was changed, apart from line ends and empty lines."""
        content = readable(email.content)
        if not content:
            return False
        shape = {
            "summary": content.get("summary", ""),
            "sections": _sections_of(content),
            "closing": content.get("closing", ""),
        }
        return self.cleaned_data["subject"] == email.subject and clean_content(self.content()) == clean_content(shape)

    def differences(self, email: ProgressEmail) -> list[Difference]:
        """The fields that differ in the saved version."""
        saved = ContentForm(email=email)
        values = [(self[name], saved[name].value() if name in saved.fields else "") for name in self.fields]
        return [
            Difference(str(field.label), theirs or "—", field.value() or "—")
            for field, theirs in values
            if (theirs or "").split() != (field.value() or "").split()
        ]

    def content(self) -> dict:
        data = self.cleaned_data
        sections = [section | {"items": data[f"section_{section['key']}"].splitlines()} for section in self.sections]
        return {"summary": data["summary"], "sections": sections, "closing": data["closing"]}


def readable(content: object) -> dict:
    """The content, or {} when its shape is broken: the form then starts empty."""
    if not isinstance(content, dict) or not isinstance(content.get("sections", []), list):
        return {}
    well_formed = all(
        isinstance(section, dict) and {"key", "title", "items"} <= section.keys() and isinstance(section["items"], list)
        for section in content.get("sections", [])
    )
    return content if well_formed else {}


def _sections_of(content: dict) -> list[dict]:
    """The sections of the content in their order, then the other known sections, empty."""
    found = list(content.get("sections", []))
    known = {section["key"] for section in found}
    return found + [{"key": s.key, "title": str(s.title), "items": []} for s in SECTIONS if s.key not in known]


class WhatNextForm(Form):
    """What is to happen after saving."""

    do = forms.ChoiceField(
        required=False, choices=[(v, v) for v in ("save", "approve", "send", "test", "discard", "redraft")]
    )

    def value(self) -> str:
        self.is_valid()
        return self.cleaned_data.get("do") or "save"


class SkipForm(Form):
    reason = forms.CharField(required=False, max_length=200)


class ResumeForm(Form):
    note = forms.CharField(
        label=_("Did they ask to get them again? Who, and when"),
        max_length=300,
        error_messages={"required": _("Say who asked and when.")},
    )
