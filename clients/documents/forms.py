from django import forms
from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from clients.documents.choices import DocumentKind
from clients.documents.fields import DOCUMENT_FIELDS
from clients.engagements.forms import offer_engagements
from clients.engagements.models import Engagement
from clients.engagements.words import ONE
from crm.core.fields.forms import CatalogueForm
from crm.core.ui.forms import Field, FilesField, Form, Layout, Maybe, Row


class UploadForm(Form):
    layout = Layout(Field("files", template="clients/documents/files_field.html"), "kind", Maybe("engagement"))

    files = FilesField(label=_("Files"), error_messages={"required": _("Choose one or more files.")})
    kind = forms.ChoiceField(label=_("Kind"), choices=DocumentKind.choices, initial=DocumentKind.OTHER, required=False)

    engagement = forms.ModelChoiceField(Engagement.objects.none(), required=False, label=ONE)

    def __init__(self, *args, client, principal, **kwargs):
        super().__init__(*args, **kwargs)
        offer_engagements(self, principal=principal, client=client)

    def clean_kind(self):
        return self.cleaned_data["kind"] or DocumentKind.OTHER


class VersionForm(Form):
    layout = Layout("file", "remark")

    file = forms.FileField(
        label=_("File"),
        allow_empty_file=True,
        widget=forms.FileInput,
        error_messages={"required": _("Choose a file.")},
    )
    remark = forms.CharField(label=_("What changed"), max_length=200, required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["file"].help_text = _("Up to %(size)s.") % {"size": filesizeformat(settings.DOCUMENT_MAX_BYTES)}


class DocumentForm(CatalogueForm):
    catalogue = DOCUMENT_FIELDS
    layout = Layout("title", Row("kind", "expiry_date"), Maybe("engagement"), Field("is_shared", switch=True), "note")

    def __init__(self, *args, principal, **kwargs):
        super().__init__(*args, **kwargs)
        row = self.instance
        offer_engagements(self, principal=principal, client=row.client, present=row.engagement_id)
