"""URLs that need no login. A system check compares this list with the views; anything else is closed.

Here are the kernel's; an app declares its own in its `hooks.py`.
"""

OPEN_PAGES = {
    "account_inactive",
    "account_login",
    "account_logout",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "mfa_authenticate",
    # an invitation and the set-up of a new firm: each needs a secret link
    "core:join",
    "core:join_link",
    "core:setup",
    "core:setup_link",
    # a provider reports bounces: needs the name and password of MAIL_WEBHOOK_SECRET
    "core:mail_events",
    # answers 404 except to this machine or an admin
    "core:metrics",
}


def declare(*names: str) -> None:
    """Pages of an app that need no login."""
    OPEN_PAGES.update(names)
