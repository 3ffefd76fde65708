"""Recently viewed clients: a few ids in a cookie, newest first, for the empty search. In the session they would cost a
write for almost every client's page.
"""

import re

from django.conf import settings

COOKIE, KEPT = "recent_clients", 8
FORM = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18}){0,9}")


def remember(request, response, client_id: int) -> None:
    """Call it with the response that shows a client's page. The ids follow that of the user, so that somebody else who signs
    in with this browser does not get them.
    """
    ids = client_ids(request)
    if ids[:1] != [client_id]:
        kept = [request.user.pk, client_id, *(pk for pk in ids if pk != client_id)][: KEPT + 1]
        response.set_cookie(
            COOKIE,
            ".".join(map(str, kept)),
            max_age=settings.SESSION_COOKIE_AGE,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )


def client_ids(request) -> list[int]:
    """The ids as the browser keeps them: which of the clients may be seen is for the reader to ask."""
    kept = request.COOKIES.get(COOKIE, "")
    if not FORM.fullmatch(kept):
        return []
    user_id, *ids = map(int, kept.split("."))
    return ids[:KEPT] if user_id == request.user.pk else []
