"""The login library's forms for a new password, with our texts: the password rule is shown once, as on every such
page.
"""

from allauth.account import forms
from django.utils.translation import gettext_lazy as _

from crm.core.people.forms import PASSWORD_HELP


class OurWords:
    labels = {
        "oldpassword": _("Current password"),
        "password1": _("New password"),
        "password2": _("New password again"),
    }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        fields = self.fields  # type: ignore[attr-defined]
        fields["password1"].help_text = PASSWORD_HELP
        for name in fields.keys() & self.labels.keys():
            fields[name].label = self.labels[name]
            fields[name].widget.attrs.pop("placeholder", None)


class ChangePasswordForm(OurWords, forms.ChangePasswordForm):
    pass


class SetPasswordForm(OurWords, forms.SetPasswordForm):
    pass


class ResetPasswordKeyForm(OurWords, forms.ResetPasswordKeyForm):
    pass
