"""Secrets that are shown once or carried in links: only their hashes are kept."""

import hashlib
import hmac
import secrets

from django.conf import settings


def hash_token(token: str) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_salt() -> str:
    return secrets.token_urlsafe(32)


def link_token(purpose: str, row_id: int, salt: str) -> str:
    """The token of a link, derived from the row's id, its random salt and the server's key (256 bits, hex)."""
    message = f"{purpose}:{row_id}:{salt}".encode()
    return hmac.new(settings.SECRET_KEY.encode(), message, hashlib.sha256).hexdigest()
