"""Who may do what, as predicates; `require` turns a "no" into 403. Who may *see* is `QuerySet.visible_to(user)`."""

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _


def require(allowed: bool, why: str = "") -> None:
    """Raise PermissionDenied (403) with a message for people unless `allowed`."""
    if not allowed:
        raise PermissionDenied(why or _("Your role does not allow this. Ask an admin."))


def may_administer(principal) -> bool:
    return principal.is_admin


def may_see_reports(principal) -> bool:
    return principal.is_manager or principal.is_admin


def may_see_outbox(principal) -> bool:
    return principal.user.is_active
