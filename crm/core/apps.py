from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules


class CoreConfig(AppConfig):
    name = "crm.core"
    label = "core"
    verbose_name = "Kernel"

    def ready(self):
        from crm.core.base import checks, grants  # noqa: F401, PLC0415  models are ready only now; registers system checks

        post_migrate.connect(grants.grant_application_role, sender=self, dispatch_uid="core.grants")
        autodiscover_modules("hooks")
