"""403, 404, 500 and 503: pages for people, the API's error shape for programs, plain text for a fragment."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from psycopg2.errors import QueryCanceled

RETRY_AFTER = 10


def _answer(request, status: int, code: str, message: str):
    if _is_api(request):
        return JsonResponse({"code": code, "message": message, "fields": {}}, status=status)
    return render(request, f"{status}.html", {"message": message}, status=status)


def _is_api(request) -> bool:
    return request.path.startswith("/api/")


def forbidden(request, exception=None):
    return _answer(
        request, 403, "permission_denied", str(exception or "") or _("You do not have permission to do this.")
    )


def not_found(request, exception=None):
    return _answer(request, 404, "not_found", _("There is nothing at this address."))


def broken(request):
    """What nobody expected. The pages need neither the database nor the request: it may be what broke."""
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
