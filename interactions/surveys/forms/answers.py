from django import forms
from django.utils.translation import gettext_lazy as _

from crm.core.fields.forms import WallTimeField
from crm.core.ui.forms import Field, Form, Layout
from interactions.fields import contact_field


class AnswerForm(Form):
    layout = Layout(
        Field("score", template="interactions/surveys/score_field.html"), "comment", "contact", "answered_at"
    )

    score = forms.TypedChoiceField(coerce=int, widget=forms.RadioSelect)
    comment = forms.CharField(
        required=False, max_length=10_000, label=_("Comment"), widget=forms.Textarea(attrs={"rows": 3})
    )
    answered_at = WallTimeField(label=_("Answered"))

    def __init__(self, *args, client, survey, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["score"].label = survey.question
        self.fields["score"].choices = [(n, str(n)) for n in range(survey.scale_min, survey.scale_max + 1)]
        self.fields["contact"] = contact_field(client)
        self.fields["contact"].label = _("Answered by")
