"""Who may do what with client records. Who may see them is `visible_to(user)` (clients/gate.py)."""


def may_edit(principal, client) -> bool:
    """Whoever sees a client works with it; an archived one is only restored."""
    return client.archived_at is None


def may_create(principal) -> bool:
    return principal.is_account_manager or principal.is_manager or principal.is_admin


def may_restrict(principal, client) -> bool:
    return principal.is_admin or principal.is_manager or client.owner_id == principal.user_id


def may_reassign(principal, client) -> bool:
    return principal.is_admin or principal.is_manager or client.owner_id == principal.user_id


def may_manage_catalogue(principal) -> bool:
    """Services and tags are shared by the whole firm."""
    return principal.is_admin or principal.is_manager
