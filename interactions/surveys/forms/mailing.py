"""Forms of surveys by mail: the audience, the words and the rule, one invitation, the open page."""

from datetime import date

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clients.contacts.models import Contact
from clients.listing.lists import CLIENTS
from clients.records.choices import Status, Tier
from clients.segments.models import Segment
from crm.core.base.reading import whole_number
from crm.core.fields.forms import WallTimeField
from crm.core.ui.forms import DateInput, Field, Form, Layout, Maybe, ModelForm, More, Part, Row, TimeInput
from crm.core.users.models import Team, User
from interactions.surveys import emails
from interactions.surveys import words as survey_words
from interactions.surveys.choices import Asked
from interactions.surveys.models import Survey, SurveyRule
from interactions.surveys.services.answering import COMMENT_AT_MOST


class AudienceForm(Form):
    """The filters of the client list, and which contacts of each client; by GET, so that the address holds it."""

    main = ("status", "tier", "owner", "team")
    who = forms.ChoiceField(label=_("Recipients"), required=False, choices=Asked.choices, widget=forms.RadioSelect)
    send_date = forms.DateField(
        label=_("Sends on"),
        required=False,
        widget=DateInput,
        help_text=_("At 10:00 in each client's time zone. Leave empty to send in five minutes."),
    )

    def __init__(self, *args, filters, surveys, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields |= {name: filters.one(name).shown_field() for name in CLIENTS.panel if name != "archived"}
        if len(surveys) > 1:
            self.fields["survey"] = forms.ChoiceField(
                label=_("Survey"), required=False, choices=[(survey.pk, survey.name) for survey in surveys]
            )

    def get_layout(self):
        shown = {*self.main, "segment", "survey", "who", "send_date"}
        return Layout(
            Maybe("survey"),
            "segment",
            Row(*self.main[:2], css="grid-2 keep-2"),
            Row(*self.main[2:], css="grid-2 keep-2"),
            More(_("More filters"), *(name for name in self.fields if name not in shown)),
            "who",
            "send_date",
        )


class ConfirmForm(Form):
    """The number of people the preview showed."""

    count = forms.IntegerField(min_value=1, max_value=10_000_000)


class SurveyForm(ModelForm):
    layout = Layout(
        "question",
        "mail_subject",
        "mail_text",
        Part("interactions/surveys/placeholders.html"),
        Row("pause_days", "answer_days"),
    )
    placeholders = [f"{{{name}}}" for name in emails.PLACEHOLDERS]

    class Meta:
        model = Survey
        fields = ["question", "mail_subject", "mail_text", "pause_days", "answer_days"]
        widgets = {"mail_text": forms.Textarea(attrs={"rows": 4})}
        labels = {
            "question": _("The question"),
            "mail_subject": _("Subject"),
            "mail_text": _("Text above the question"),
        }


class RuleForm(ModelForm):
    layout = Layout(
        Field("is_active", switch=True),
        Part("interactions/surveys/rule_note.html"),
        Row("every_months", "send_time", css="grid-2 keep-2"),
        "who",
        Maybe("segment"),
        Row("statuses", "tiers"),
        Row("team", "owner"),
    )
    n_clients: int | None = None  # that the saved rule fits now
    trouble = ""  # why it asks nobody
    first_day: date | None = None  # on which it asks at least one contact

    statuses = forms.MultipleChoiceField(
        label=_("Status"), required=False, choices=Status.choices, widget=forms.CheckboxSelectMultiple
    )
    tiers = forms.MultipleChoiceField(
        label=_("Tier"),
        required=False,
        choices=[*Tier.choices, ("none", _("None"))],
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None selected means all."),
    )
    team = forms.ModelChoiceField(
        queryset=Team.objects.filter(archived_at=None), required=False, label=_("Team"), empty_label=_("Any")
    )
    owner = forms.ModelChoiceField(
        queryset=User.objects.active(), required=False, label=_("Account manager"), empty_label=_("Any")
    )
    segment = forms.ModelChoiceField(
        queryset=Segment.objects.none(),
        required=False,
        label=_("Segment"),
        empty_label=_("All clients"),
        help_text=_("Only clients of this segment, as it is on the day. Shared segments can be chosen."),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        usable = Q(archived_at=None, is_shared=True) | Q(
            pk=self.instance.segment_id
        )  # the chosen one stays, even if it is gone
        self.fields["segment"].queryset = Segment.objects.filter(usable).order_by("name")
        if not self.instance.segment_id and not self.fields["segment"].queryset.exists():
            del self.fields["segment"]  # there is nothing to choose

    class Meta:
        model = SurveyRule
        fields = ["is_active", "every_months", "send_time", "who", "segment", "statuses", "tiers", "team", "owner"]
        widgets = {"send_time": TimeInput(), "who": forms.RadioSelect}
        labels = {
            "is_active": _("Ask automatically"),
            "every_months": _("Every (months)"),
            "send_time": _("Time (their time zone)"),
            "who": _("Recipients"),
        }
        help_texts = {
            "is_active": _(
                "Each matching client is surveyed once per period, spread over your working days. "
                "Surveys due in the next 36 hours are listed under “Sent surveys”, where you can skip them."
            ),
        }


class AskForm(Form):
    """The contacts of one client to ask now."""

    layout = Layout(Field("contacts", template="interactions/surveys/people_field.html"))

    contacts = forms.ModelMultipleChoiceField(
        Contact.objects.none(), label=_("Audience"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args, people, **kwargs):
        super().__init__(*args, **kwargs)
        self.people = people
        able = [person.contact_id for person in people if not person.reason]
        self.fields["contacts"].queryset = Contact.objects.filter(pk__in=[person.contact_id for person in people])
        self.chosen = set(self.data.getlist("contacts")) if self.is_bound else {str(pk) for pk in able[:1]}


class WhenForm(Form):
    send_at = WallTimeField(label=_("Sends"))


class ReplyForm(Form):
    """The open page: a score and an optional comment."""

    layout = Layout(Field("score", template="interactions/surveys/open_score.html"), Field("comment", optional=True))

    score = forms.TypedChoiceField(
        coerce=int, widget=forms.RadioSelect, label=survey_words.SCORE, error_messages={"required": survey_words.CHOOSE}
    )
    comment = forms.CharField(
        required=False,
        max_length=COMMENT_AT_MOST,
        label=survey_words.REASON,
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def __init__(self, *args, survey, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["score"].choices = [(n, str(n)) for n in range(survey.scale_min, survey.scale_max + 1)]


def score_in(query, survey) -> int | None:
    """The score in the link of the mail; None for one that is missing or not on the scale."""
    return whole_number(query.get("score"), least=survey.scale_min, most=survey.scale_max)
