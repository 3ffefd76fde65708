"""400, 403, 404, 405, 429, 500 and 503: pages for people, the API's error shape for programs."""

import logging
import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpResponse, HttpResponsePermanentRedirect, JsonResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from psycopg2.errors import QueryCanceled

RETRY_AFTER = 10
log = logging.getLogger(__name__)


def _answer(request, status: int, code: str, message: str, template: str = ""):
    if _is_api(request):
        return JsonResponse({"code": code, "message": message, "fields": {}}, status=status)
    return HttpResponse(_page(request, template or f"{status}.html"), status=status)


def _page(request, template: str) -> str:
    """The error page: with the layout if signed in, plain otherwise. Both read the database; if it is away, a page that
    needs nothing, so that an error page never fails.
    """
    try:
        user = getattr(request, "user", None)  # not set if a middleware refused the request
        is_page = "HX-Request" not in request.headers  # for a fragment it is not shown: a toast says what happened
        layout = "base.html" if is_page and user is not None and user.is_authenticated else "base_plain.html"
        return render_to_string(template, {"layout": layout}, request)
    except Exception:
        log.exception("The page of an error could not be drawn")
        return render_to_string(template, {"layout": "broken_page.html"})


def _is_api(request) -> bool:
    return request.path.startswith("/api/")


def unreadable(request, exception=None):
    return _answer(request, 400, "invalid", _("This request could not be read."))


def expired(request, reason=""):
    """A form without the token of this session (CSRF_FAILURE_VIEW)."""
    return _answer(request, 403, "permission_denied", _("This page has expired."), "403_csrf.html")


def forbidden(request, exception=None):
    return _answer(
        request, 403, "permission_denied", str(exception or "") or _("You do not have permission to do this.")
    )


def not_found(request, exception=None):
    return _answer(request, 404, "not_found", _("There is nothing at this address."))


def moved(request, found):
    """Of a record that was merged into another: to the same page of that one; a form is not sent on, as it was about this one. No browser
    remembers the way, because a merge can be undone.
    """
    if request.method not in ("GET", "HEAD"):
        return _answer(request, 409, "merged", _("This was merged into another record."), "409.html")
    answer = HttpResponsePermanentRedirect(_address_of(request, found))
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _address_of(request, found) -> str:
    match = request.resolver_match
    if match.kwargs.get(found.argument) != found.pk:
        return found.now.get_absolute_url()
    address = reverse(match.view_name, kwargs=match.kwargs | {found.argument: found.now.pk})
    query = request.META.get("QUERY_STRING", "")
    return f"{address}?{query}" if query else address


def no_method(request, response):
    """A page for Django's empty 405, as after a sign-in that leads back to an address that only takes a form. Keeps Allow."""
    if response.content:
        return response
    answer = _answer(request, 405, "method_not_allowed", _("This address does not take this method."))
    answer.headers["Allow"] = response.headers["Allow"]
    return answer


def too_many(request):
    """After too many sign-ins or resets (allauth's limits)."""
    return _answer(request, 429, "throttled", _("Too many attempts. Wait a few minutes, then try again."))


def broken(request):
    """An unexpected error. The pages need neither the database nor the request, either of which may be the cause."""
    is_away = _is_database_away(sys.exc_info()[1])
    status, code = (503, "unavailable") if is_away else (500, "error")
    message = (
        _("The database does not answer. Try again in a moment.") if is_away else _("Something went wrong on our side.")
    )
    if _is_api(request):
        response: HttpResponse = JsonResponse({"code": code, "message": message, "fields": {}}, status=status)
    else:
        response = HttpResponse(render_to_string(f"{status}.html"), status=status)
    if is_away:
        response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


def _is_database_away(error: BaseException | None) -> bool:
    return isinstance(error, (OperationalError, InterfaceError)) and not isinstance(error.__cause__, QueryCanceled)
