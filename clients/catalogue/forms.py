from django import forms

from clients.catalogue.models import Service, Tag
from clients.fields import RowForm


class TagForm(RowForm):
    class Meta:
        model = Tag
        fields = ["name", "tone"]


class ServiceForm(RowForm):
    class Meta:
        model = Service
        fields = ["name", "code", "description"]
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}
