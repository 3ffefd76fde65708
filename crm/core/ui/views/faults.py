"""403, 404 and 500: pages for people, the API's error shape for programs, plain text for a fragment."""

from django.http import JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _


def _answer(request, status: int, code: str, message: str):
    if request.path.startswith("/api/"):
        return JsonResponse({"code": code, "message": message, "fields": {}}, status=status)
    return render(request, f"{status}.html", {"message": message}, status=status)


def forbidden(request, exception=None):
    return _answer(request, 403, "permission_denied", str(exception or "") or _("You are not allowed to do this."))


def not_found(request, exception=None):
    return _answer(request, 404, "not_found", _("There is nothing at this address."))


def broken(request):
    return _answer(request, 500, "error", _("Something broke on our side."))
