"""What the firm's own fields register."""

from django.utils.translation import gettext_lazy as _

from crm.core.base.permissions import may_administer
from crm.core.fields.custom.conversion_jobs import run_job
from crm.core.search import sources as search
from crm.core.ui import navigation
from crm.core.work.leases import Runner, runners

navigation.register(
    navigation.NavEntry("fields", _("Custom fields"), "core:fields", "type", 20, group="settings", shown=may_administer)
)
search.palette.register(
    search.Command("fields", _("Custom fields"), "core:fields", "type", _("own fields"), shown=may_administer)
)
runners.register(Runner("field", run_job))
