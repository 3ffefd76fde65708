"""Secrets that are shown once or carried in links: only their hashes are stored."""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from crm.core.base import logs

REMEMBERED = 30 * 24 * 3600


def hash_token(token: str) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def new_salt() -> str:
    return secrets.token_urlsafe(32)


def link_token(purpose: str, row_id: int, salt: str) -> str:
    """The token of a link, derived from the row's id, its random salt and the server's key (256 bits, hex)."""
    message = f"{purpose}:{row_id}:{salt}".encode()
    return hmac.new(settings.SECRET_KEY.encode(), message, hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class SecretLink:
    """A link in an email that opens a page without login, declared by its owner.

    `purpose` and `path` (with {id} and {token}) are in emails already sent, so they never change. The stored email
    holds a placeholder; the token is derived when it is sent, and the log never shows it. `rows` loads the page's rows,
    which have a `salt`. With `is_stored`, the token must match their `token_hash`. Opening the link swaps the token for
    a `cookie`, sent to `cookie_page` and below (by default `page`), which keeps it out of the browser's history.
    """

    purpose: str
    path: str
    rows: Callable[[], QuerySet]
    is_stored: bool = False
    is_open: Callable[[Any], bool] = lambda row: True
    cookie: str = ""
    page: str = ""
    cookie_page: str = ""

    def __post_init__(self):
        before = self.path.split("{token}")[0].rpartition("/")[0].strip("/")
        logs.declare_secret_paths(before.replace("{id}", r"\d+"))

    def token(self, row: Any, salt: str | None = None) -> str:
        return link_token(self.purpose, row.pk, row.salt if salt is None else salt)

    def in_mail(self, row: Any, *, salt: str | None = None, **parts: str) -> dict[str, Any]:
        """What the outbox stores for the link; `parts` are filled into the path now."""
        path = self.path
        for name, value in parts.items():
            path = path.replace(f"{{{name}}}", value)
        return {"purpose": self.purpose, "id": row.pk, "salt": row.salt if salt is None else salt, "path": path}

    def find(self, pk: int, token: str) -> Any | None:
        """The row the link was made for, else None. Read-only."""
        row = self.rows().filter(pk=pk).first()
        if row is None or not self.is_open(row):
            return None
        given, expected = (hash_token(token), row.token_hash) if self.is_stored else (token, self.token(row))
        return row if hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode()) else None

    def swap(self, pk: int, token: str, query: str = "") -> HttpResponse:
        """Set the cookie and redirect to the page's URL without the token."""
        response = redirect(reverse(self.page, args=[pk]) + query)
        response.set_cookie(
            self.cookie,
            token,
            max_age=REMEMBERED,
            path=reverse(self.cookie_page or self.page, args=[pk]),
            httponly=True,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    def opened(self, request: HttpRequest, pk: int) -> Any | None:
        """The row whose link this browser has opened, else None."""
        return self.find(pk, request.COOKIES.get(self.cookie, ""))
