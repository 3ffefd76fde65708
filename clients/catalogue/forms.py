from django import forms

from clients.catalogue.models import Service, Tag
from crm.core.ui.forms import RecordForm


class TagForm(RecordForm):
    class Meta:
        model = Tag
        fields = ["name", "tone"]


class ServiceForm(RecordForm):
    class Meta:
        model = Service
        fields = ["name", "code", "description"]
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}
