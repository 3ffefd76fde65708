import threading
from functools import lru_cache

from django.apps import AppConfig, apps
from django.conf import settings
from django.db import connections
from django.db.models.signals import post_migrate
from django.urls import base as addresses
from django.utils import timezone
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
        _use_plain_locals()


def _keep_words() -> None:
    """Looks each text of the pages' language up once. Otherwise every lookup walks a chain of catalogues, hundreds of
    times per page.
    """
    words = trans_real.translation(settings.LANGUAGE_CODE)
    words.gettext = lru_cache(maxsize=20_000)(words.gettext)  # type: ignore[method-assign]


def _use_plain_locals() -> None:
    """Keeps language, zone, script prefix and connections in plain thread locals. Django's own serve coroutines too, which
    nothing here uses, and take twenty times as long, a thousand times per page.
    """
    places = [(trans_real, "_active"), (timezone, "_active"), (addresses, "_prefixes"), (addresses, "_urlconfs")]
    for owner, name in [*places, (connections, "_connections")]:
        before, plain = getattr(owner, name), threading.local()
        for held in ("value", *connections):
            if hasattr(before, held):
                setattr(plain, held, getattr(before, held))
        setattr(owner, name, plain)
