from clients.catalogue.fields import SERVICE_FIELDS
from clients.catalogue.models import Tag
from crm.core.fields.forms import CatalogueForm
from crm.core.ui.forms import RecordForm


class TagForm(RecordForm):
    class Meta:
        model = Tag
        fields = ["name", "tone"]


class ServiceForm(CatalogueForm):
    catalogue = SERVICE_FIELDS
    names = tuple(SERVICE_FIELDS)
