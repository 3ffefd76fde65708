"""API tokens: shown once, only their hash is stored."""

import secrets
from datetime import datetime

from crm.core.base.principals import Principal
from crm.core.base.secret_links import hash_token
from crm.core.base.services import service
from crm.core.people.permissions import may_make_token, may_revoke_token
from crm.core.users.models import ApiToken, User


@service(may=may_make_token)
def create_api_token(
    principal: Principal, *, user: User, name: str, expires_at: datetime | None = None, is_read_only: bool = False
) -> tuple[ApiToken, str]:
    """(row, the token in clear). The clear token is shown once and never stored."""
    clear = "rpt_" + secrets.token_urlsafe(32)
    row = ApiToken.objects.create(
        user=user,
        name=name,
        prefix=clear[:10],
        token_hash=hash_token(clear),
        expires_at=expires_at,
        is_read_only=is_read_only,
    )
    return row, clear


@service(may=may_revoke_token)
def revoke_api_token(principal: Principal, *, token: ApiToken, now: datetime) -> ApiToken:
    """Revoke a token; it no longer grants access."""
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now)
    token.refresh_from_db()
    return token
