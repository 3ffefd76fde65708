"""Jobs that make or restore archives: who started them, and who is notified."""

from typing import Any

from django.urls import reverse

from crm.core.archive.kernel import KIND
from crm.core.base.principals import Principal
from crm.core.notifications.services import tell
from crm.core.users.choices import Role
from crm.core.users.models import User
from crm.core.work.models import Job

MAKE, RESTORE = "archive", "restore-archive"  # kinds of jobs


def tell_admins(principal: Principal, *, text: str, key: str) -> None:
    """Tell the other admins. `text` has %(who)s."""
    for user in User.objects.active().with_role(Role.ADMIN):
        said = text % {"who": principal.user.name}
        tell(principal, user, kind=KIND, key=f"{key}:{user.pk}", text=said, url=reverse("core:archive"))


def archives_of(principal: Principal) -> Any:
    return Job.objects.filter(kind=MAKE, user=principal.user_id).select_related("file").order_by("-created_at")


def jobs_of(principal: Principal) -> Any:
    """Archives and restorings that the principal started."""
    return Job.objects.filter(kind__in=(MAKE, RESTORE), user=principal.user_id).select_related("user", "file")
