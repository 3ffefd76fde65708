"""Every error of the API has one shape: {code, message, fields}."""

from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from crm.core.base.errors import MovedRecord, ServiceError, StaleWrite


class PreconditionFailed(exceptions.APIException):
    status_code = 412
    default_detail = _("Someone else changed this. Read it again, then send your change with the new ETag.")
    default_code = "precondition_failed"


class TooLarge(exceptions.APIException):
    status_code = 413
    default_detail = _("The body is too large: 5 MB at most.")
    default_code = "too_large"


def handle(error, context):
    if isinstance(error, RequestDataTooBig):
        error = TooLarge()
    if isinstance(error, ServiceError):
        set_rollback()
        fields = {error.field: [error.message]} if error.field else {}
        status = 409 if isinstance(error, StaleWrite) else 400
        return Response({"code": error.code, "message": error.message, "fields": fields}, status=status)
    if isinstance(error, MovedRecord):
        return _moved(error, context)
    if isinstance(error, DjangoValidationError):
        error = exceptions.ValidationError(
            detail=error.message_dict if hasattr(error, "error_dict") else error.messages
        )
    response = exception_handler(error, context)
    if response is None:
        return None
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied(str(error) or None)
    response.data = _body(error)
    return response


def _moved(error: MovedRecord, context) -> Response:
    """Of a record that was merged into another: 308 to that one for who reads, 409 for who writes, both with its address."""
    request = context["request"]
    match = request.resolver_match
    address = reverse(match.view_name, kwargs=match.kwargs | {"pk": error.now.pk})
    if asked := request.META.get("QUERY_STRING"):
        address = f"{address}?{asked}"
    message = _("Merged into %(pk)s.") % {"pk": error.now.pk}
    status = 308 if request.method in ("GET", "HEAD") else 409
    if status == 409:
        set_rollback()
    return Response({"code": "merged", "message": message, "fields": {}}, status=status, headers={"Location": address})


def _body(error) -> dict:
    if isinstance(error, exceptions.ValidationError):
        fields: dict[str, Any] = dict(error.detail) if isinstance(error.detail, dict) else {}
        general = error.detail if isinstance(error.detail, list) else fields.get("non_field_errors", [])
        message = str(general[0]) if general else "Some fields are not valid."
        return {
            "code": "invalid",
            "message": message,
            "fields": {k: v for k, v in fields.items() if k != "non_field_errors"},
        }
    codes = error.get_codes() if hasattr(error, "get_codes") else "error"
    return {"code": codes if isinstance(codes, str) else "error", "message": str(error.detail), "fields": {}}
