from django.apps import AppConfig


class CrmConfig(AppConfig):
    """The composition root: its commands may name everything."""

    name = "crm"
