"""Wiring of archives of the firm: what the kernel has in them, their jobs, navigation."""

from django.utils.translation import gettext_lazy as _

from crm.core.archive import kernel  # noqa: F401  registers itself
from crm.core.archive.running import make_job, restore_job
from crm.core.archive.services import expire_archives
from crm.core.archive.telling import MAKE, RESTORE
from crm.core.base.permissions import may_administer
from crm.core.search import sources as search
from crm.core.ui import navigation
from crm.core.work.leases import Runner, runners
from crm.core.work.schedule import Job, periodic

runners.register(Runner(MAKE, make_job))
runners.register(Runner(RESTORE, restore_job))
periodic.register(Job("archives", expire_archives, _("Archives of the firm")))
navigation.register(
    navigation.NavEntry("archive", _("Data"), "core:archive", "archive", 30, group="settings", shown=may_administer)
)
search.palette.register(
    search.Command(
        "archive", _("Archive of the firm"), "core:archive", "archive", _("export backup data"), shown=may_administer
    )
)
