"""Wiring of imports: navigation, and the periodic job that resumes imports whose worker died."""

from django.utils.translation import gettext_lazy as _

from crm.core.history import queries as history
from crm.core.importing import receiving, undoing
from crm.core.importing.continuing import continue_moves
from crm.core.importing.permissions import may_import
from crm.core.importing.readers import archives, monday, text, xlsx  # noqa: F401
from crm.core.importing.running import resume_jobs, run_job
from crm.core.importing.sweeping import sweep_files
from crm.core.ui import navigation, tones
from crm.core.work.leases import Runner, runners
from crm.core.work.schedule import Job, periodic


def say_which_import(pairs):
    """In the history: which import wrote it, or was undone."""
    for event, entry in pairs:
        told = event.pgh_context.metadata if event.pgh_context else {}
        words = ""
        if "undo" in told:
            words = _("import %(n)s undone") % {"n": told["undo"]}
        elif "job" in told:
            words = _("import %(n)s") % {"n": told["job"]}
        entry.for_whom = ", ".join(filter(None, [entry.for_whom, words]))


navigation.register(
    navigation.NavEntry("imports", _("Imports"), "core:imports", "upload", 30, group="setup", shown=may_import)
)
tones.declare(running="blue", done="green", failed="red")
periodic.register(Job("jobs", resume_jobs, _("Imports")))
periodic.register(Job("import-files", sweep_files, _("Files of imports"), daily="core:import-files"))
periodic.register(Job("moves", continue_moves, _("Moves of several files")))
runners.register(Runner("import", run_job))
runners.register(Runner(undoing.KIND, undoing.run_job))
runners.register(Runner(receiving.KIND, receiving.run_job))
history.remarks.register(history.Remark("imports", say_which_import))
