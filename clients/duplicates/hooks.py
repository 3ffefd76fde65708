"""The nightly search for duplicates, and the way to its lists; `clients/hooks.py` imports it."""

from django.utils.translation import gettext_lazy as _

from clients.duplicates.tasks import FIND
from clients.permissions import may_create
from crm.core.search import sources as search
from crm.core.work import jobs
from crm.core.work.schedule import Job, periodic


def look_for_duplicates(today, last):
    """Daily: wake a worker, so that nothing else waits for the search."""
    jobs.enqueue(FIND)
    return 1


periodic.register(Job("clients.duplicates", look_for_duplicates, _("Possible duplicates"), daily="clients:duplicates"))
for key, label, url_name in (
    ("duplicates", _("Possible duplicates among clients"), "clients:duplicates"),
    ("contact-duplicates", _("Possible duplicates among contacts"), "clients:contact_duplicates"),
):
    search.palette.register(
        search.Command(key, label, url_name, "copy", _("merge double same twice"), shown=may_create)
    )
