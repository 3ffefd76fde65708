from django import forms
from django.utils.translation import gettext_lazy as _

from clients.cover.models import Cover
from crm.core.ui.forms import TO_COME, DateInput, Form, Layout, Maybe, Row
from crm.core.users.models import User


def _colleague(label, required):
    return forms.ModelChoiceField(
        User.objects.active(),
        label=label,
        empty_label=_("Type a name"),
        widget=forms.Select(attrs={"data-combobox": ""}),
        error_messages={"required": required},
    )


class CoverForm(Form):
    """A manager's form also asks who is away. One that has begun keeps its first day."""

    merges = False
    layout = Layout(Maybe("absent"), "covering", Row(Maybe("start_date"), "end_date"), "note")

    absent = _colleague(_("Who is away"), _("Choose who is away."))
    covering = _colleague(_("Covered by"), _("Choose who covers."))
    start_date = forms.DateField(
        label=_("First day away"),
        widget=DateInput(attrs=TO_COME),
        error_messages={"required": _("Choose a date.")},
    )
    end_date = forms.DateField(
        label=_("Back on"),
        widget=DateInput(attrs=TO_COME),
        help_text=_("The cover ends when this day begins, in the firm’s time zone."),
        error_messages={"required": _("Choose a date.")},
    )
    note = forms.CharField(
        label=_("Note"), required=False, max_length=300, help_text=_("What the covering colleague should know")
    )

    def __init__(self, *args, user: User, for_others: bool, **kwargs):
        super().__init__(*args, **kwargs)
        if not for_others:
            del self.fields["absent"]
            self.fields["covering"].queryset = User.objects.active().exclude(pk=user.pk)
        self.user = user

    @classmethod
    def of(cls, cover: Cover, data, *, has_begun: bool) -> "CoverForm":
        """The form of one that stands: who is away stays."""
        initial = {name: getattr(cover, name) for name in ("covering", "start_date", "end_date", "note", "version")}
        form = cls(data, user=cover.absent, for_others=False, initial=initial)
        if has_begun:
            del form.fields["start_date"]
        return form

    @property
    def who_is_absent(self) -> User:
        return self.cleaned_data.get("absent", self.user)
