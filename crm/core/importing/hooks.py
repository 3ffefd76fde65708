"""Wiring of imports: navigation, and the periodic job that resumes imports whose worker died."""

from django.utils.translation import gettext_lazy as _

from crm.core.importing.moves import continue_moves
from crm.core.importing.permissions import may_import
from crm.core.importing.readers import archives, monday, text, xlsx  # noqa: F401
from crm.core.importing.running import resume_jobs, run_job
from crm.core.ui import navigation, tones
from crm.core.work.leases import Runner, runners
from crm.core.work.schedule import Job, periodic

navigation.register(
    navigation.NavEntry("imports", _("Imports"), "core:imports", "upload", 30, group="setup", shown=may_import)
)
tones.declare(running="blue", done="green", failed="red")
periodic.register(Job("jobs", resume_jobs, _("Imports")))
periodic.register(Job("moves", continue_moves, _("Moves of several files")))
runners.register(Runner("import", run_job))
