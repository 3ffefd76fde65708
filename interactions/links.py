"""Opening a secret link swaps the token in its address for a cookie of that page, so that no browser history keeps it."""

from django.conf import settings
from django.shortcuts import redirect

REMEMBERED = 30 * 24 * 3600


def swap(name: str, token: str, *, path: str, to: str):
    """Redirect to the clean address `to`; the cookie is only sent to `path` and below."""
    response = redirect(to)
    response.set_cookie(
        name, token, max_age=REMEMBERED, path=path, httponly=True, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE
    )
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
