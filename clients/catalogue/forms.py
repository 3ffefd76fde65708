from django import forms

from clients.catalogue.models import Service, Tag
from crm.core.ui.forms import VersionedFormMixin


class TagForm(forms.ModelForm):
    class Meta:
        model = Tag
        fields = ["name", "tone"]

    def _post_clean(self):
        """The service checks and saves."""


class ServiceForm(VersionedFormMixin, forms.ModelForm):
    class Meta:
        model = Service
        fields = ["name", "code", "description"]
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}

    def _post_clean(self):
        """The service checks, locks and saves its own copy of the row."""
