from django import forms
from django.utils.translation import gettext_lazy as _

from interactions.fields import WallTimeField, contact_field


class AnswerForm(forms.Form):
    score = forms.TypedChoiceField(coerce=int, widget=forms.RadioSelect, label=_("Score"))
    comment = forms.CharField(
        required=False, max_length=10_000, label=_("In their words"), widget=forms.Textarea(attrs={"rows": 3})
    )
    answered_at = WallTimeField(label=_("Answered"))

    def __init__(self, *args, client, survey, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["score"].choices = [(n, str(n)) for n in range(survey.scale_min, survey.scale_max + 1)]
        self.fields["contact"] = contact_field(client)
        self.fields["contact"].label = _("Answered by")
        self.order_fields(["score", "comment", "contact", "answered_at"])
