"""The form of an archive that is to be restored."""

from django import forms
from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from crm.core.ui.forms import Form


class RestoreForm(Form):
    file = forms.FileField(
        label=_("Archive"),
        widget=forms.FileInput(attrs={"accept": ".zip"}),
        error_messages={"required": _("Choose a file.")},
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["file"].help_text = _("Up to %(size)s. Larger ones: manage.py import_firm.") % {
            "size": filesizeformat(settings.ARCHIVE_MAX_BYTES)
        }

    def clean_file(self):
        file = self.cleaned_data["file"]
        if file.size > settings.ARCHIVE_MAX_BYTES:
            raise forms.ValidationError(self.fields["file"].help_text)
        return file
