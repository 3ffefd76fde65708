from functools import lru_cache

from django.apps import AppConfig, apps
from django.conf import settings
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import trans_real


class CoreConfig(AppConfig):
    name = "crm.core"
    label = "core"
    verbose_name = "Kernel"

    def ready(self):
        from crm.core.base import checks, grants  # noqa: F401, PLC0415  models are ready only now; registers system checks

        last = [app for app in apps.get_app_configs() if app.models_module][
            -1
        ]  # after pghistory has created its function
        post_migrate.connect(grants.grant_application_role, sender=last, dispatch_uid="core.grants")
        autodiscover_modules("hooks")
        _keep_words()


def _keep_words() -> None:
    """Looks each text of the pages' language up once. Otherwise every lookup walks a chain of catalogues, hundreds of
    times per page.
    """
    words = trans_real.translation(settings.LANGUAGE_CODE)
    words.gettext = lru_cache(maxsize=20_000)(words.gettext)  # type: ignore[method-assign]
