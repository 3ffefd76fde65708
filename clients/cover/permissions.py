"""Who may arrange a cover, and end it. What it lets the covering colleague see is in clients/gate.py."""

from django.utils.translation import gettext_lazy as _

OWN_ABSENCE = _("Only managers and admins can arrange cover for somebody else.")
OWN_COVER = _("Only the absent colleague, a manager or an admin can change, end or resume this cover.")


def may_arrange_for_others(principal) -> bool:
    return principal.is_manager or principal.is_admin


def may_arrange(principal, absent) -> bool:
    """For oneself; managers and admins for everyone."""
    return principal.is_user and (absent.pk == principal.user_id or may_arrange_for_others(principal))


def may_change(principal, cover) -> bool:
    """The absent colleague, managers and admins. The covering colleague may not change or end it."""
    return principal.is_user and (cover.absent_id == principal.user_id or may_arrange_for_others(principal))
