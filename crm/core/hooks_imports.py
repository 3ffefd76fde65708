"""Wiring of imports: navigation, and the tick that goes on with jobs whose worker died."""

from django.utils.translation import gettext_lazy as _

from crm.core import imports, nav, ticking
from crm.core.services.imports import resume_jobs


def may_import(user) -> bool:
    return any(kind.may_import(user) for kind in imports.kinds())


nav.register(nav.NavEntry("imports", _("Imports"), "core:imports", "upload", 30, group="setup", shown=may_import))
ticking.register("jobs", resume_jobs)
ticking.watch("jobs", _("Imports"))
