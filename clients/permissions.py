"""Who may do what with client records. Who may see them is `visible_to(user)` (clients/gate.py)."""


def may_edit(user, client) -> bool:
    """Whoever sees a client works with it; an archived one is only restored."""
    return client.archived_at is None


def may_create(user) -> bool:
    return user.is_account_manager or user.is_manager or user.is_admin


def may_restrict(user, client) -> bool:
    return user.is_admin or user.is_manager or client.owner_id == user.pk


def may_reassign(user, client) -> bool:
    return user.is_admin or user.is_manager or client.owner_id == user.pk


def may_manage_catalogue(user) -> bool:
    """Services and tags are shared by the whole firm."""
    return user.is_admin or user.is_manager
