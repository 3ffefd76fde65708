"""API tokens: everyone creates and revokes their own."""


def may_make_token(principal, user) -> bool:
    return principal.is_user and principal.user_id == user.pk


def may_revoke_token(principal, token) -> bool:
    return principal.is_user and principal.user_id == token.user_id
