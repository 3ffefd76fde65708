"""Who may read health details: this machine and admins. Others get only names and a yes or no."""

from ipaddress import ip_address

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.db import Error
from rest_framework.exceptions import APIException

from crm.core.api.authentication import TokenAuthentication


def is_loopback(request) -> bool:
    """Called from this machine, and not through a proxy on it."""
    forwarded = any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-Ip"))
    try:
        return not forwarded and ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def may_read_details(request, user=None) -> bool:
    """This machine itself, or an admin by session or token. `user`: of the session, if already loaded."""
    if is_loopback(request):
        return True
    try:
        user = user or _of_session(request)
        if user is not None and user.is_authenticated:
            return user.is_admin
        found = TokenAuthentication().authenticate(request)
    except (APIException, Error):
        return False
    return found is not None and found[0].is_admin


def _of_session(request):
    """The session's user, before any middleware loaded it; the database may be away."""
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if not key:
        return None
    request.session = SessionStore(key)
    return get_user(request)
