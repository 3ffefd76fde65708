"""Wiring of imports: navigation, and the tick that goes on with jobs whose worker died."""

from django.utils.translation import gettext_lazy as _

from crm.core.importing import kinds
from crm.core.importing.services import resume_jobs
from crm.core.ui import navigation
from crm.core.work import schedule


def may_import(principal) -> bool:
    return any(kind.may_import(principal) for kind in kinds.kinds())


navigation.register(
    navigation.NavEntry("imports", _("Imports"), "core:imports", "upload", 30, group="setup", shown=may_import)
)
schedule.register("jobs", resume_jobs)
schedule.watch("jobs", _("Imports"))
