"""Who may keep and change views of lists."""


def may_keep_views(principal) -> bool:
    """Every colleague who may sign in, for themselves; sharing is open to all of them."""
    return principal.is_user


def may_change_view(principal, view) -> bool:
    """Its owner; of a shared one an admin too."""
    return principal.is_user and (view.owner_id == principal.user_id or (view.is_shared and principal.is_admin))


def may_order_views(principal, views) -> bool:
    """One's own."""
    return principal.is_user and all(view.owner_id == principal.user_id for view in views)
