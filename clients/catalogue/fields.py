"""The fields of a service."""

from clients.catalogue.models import Service
from crm.core.fields.catalogue import Catalogue, Field

SERVICE_FIELDS = Catalogue(Service, Field("name"), Field("code"), Field("description"))
