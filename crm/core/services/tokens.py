"""Secrets that are shown once or carried in links: only their hashes are kept."""

import hashlib
import hmac
import secrets
from datetime import datetime

from django.conf import settings
from django.db import transaction

from crm.core.models import ApiToken, User


def hash_token(token: str) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_salt() -> str:
    return secrets.token_urlsafe(32)


def link_token(purpose: str, row_id: int, salt: str) -> str:
    """The token of a link, derived from the row's id, its random salt and the server's key (256 bits, hex)."""
    message = f"{purpose}:{row_id}:{salt}".encode()
    return hmac.new(settings.SECRET_KEY.encode(), message, hashlib.sha256).hexdigest()


@transaction.atomic
def create_api_token(
    *, actor: User, user: User, name: str, expires_at: datetime | None = None, is_read_only: bool = False
) -> tuple[ApiToken, str]:
    """(row, the token in clear). The clear token is shown once and kept nowhere."""
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


@transaction.atomic
def revoke_api_token(*, actor: User, token: ApiToken, now: datetime) -> ApiToken:
    """The token opens nothing from now on."""
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now)
    token.refresh_from_db()
    return token
