"""`Idempotency-Key`: a write sent twice happens once and gets the same answer twice."""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.core.files.base import File
from django.db import transaction
from django.db.models import Model
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from crm.core.api.models import IdempotencyKey
from crm.core.files.services import digest_of

KEPT_FOR = timedelta(days=2)
REPEATED_HEADERS = ("ETag", "Location")
FORM = "form\n"  # prefix of a form's key: a header cannot hold a line break, so an API key never equals a form's


class KeyReused(exceptions.APIException):
    status_code = 422
    default_detail = _("This Idempotency-Key was used for another request.")
    default_code = "idempotency_key_reused"


def idempotently(request, do: Callable[[], Response], viewset: Any = None) -> Response:
    """Run `do` in one transaction with the record of its answer. A second request with the same key waits and gets the
    same answer, if the caller still sees the row of `viewset` that it is about.

    A failed request leaves no record, so it can be retried with the same key.
    """
    key = request.headers.get("Idempotency-Key", "").strip()
    if not key:
        with transaction.atomic():
            return do()
    if len(key) > 100 or not key.isprintable():
        raise exceptions.ValidationError({"Idempotency-Key": [_("Up to 100 printable characters.")]})
    with transaction.atomic():
        row, made = IdempotencyKey.objects.get_or_create(
            user=request.user, key=key, defaults={"request_hash": _hash(request)}
        )
        if not made:
            response = _repeat(row, request)
            if viewset is not None:
                _require_seen(viewset, response.data)
            return response
        response = do()
        row.status = response.status_code
        row.body = {
            "data": json.loads(JSONRenderer().render(response.data)) if response.data is not None else None,
            "headers": {name: response[name] for name in REPEATED_HEADERS if name in response},
        }
        row.save(update_fields=["status", "body"])
    return response


def _require_seen(viewset: Any, data: Any) -> None:
    if viewset.detail:
        viewset.get_object()
    elif isinstance(data, dict) and "id" in data and not viewset.get_queryset().filter(pk=data["id"]).exists():
        raise exceptions.NotFound()


def only_once(user: Any, key: str, do: Callable[[], Model]) -> int:
    """The id of the row that `do` creates. A form sent again with its key gets the id of the first row; the second
    request waits for the first. Without a key `do` runs each time.
    """
    if not key:
        return do().pk
    with transaction.atomic():
        row, made = IdempotencyKey.objects.get_or_create(user=user, key=f"{FORM}{key}"[:100])
        if made or row.body is None:
            row.body = {"id": do().pk}
            row.save(update_fields=["body"])
        return row.body["id"]


def forget_old_keys(now: datetime) -> int:
    """Delete expired answers (periodic)."""
    gone, _kinds = IdempotencyKey.objects.filter(created_at__lt=now - KEPT_FOR).delete()
    return gone


def _repeat(row: IdempotencyKey, request) -> Response:
    if row.request_hash != _hash(request):
        raise KeyReused()
    if row.body is None:
        raise KeyReused()
    return Response(row.body["data"], status=row.status, headers=row.body["headers"] | {"Idempotency-Replayed": "true"})


def _hash(request) -> str:
    body = json.dumps(request.data, sort_keys=True, default=_written)
    return hashlib.sha256(f"{request.method} {request.path}\n{body}".encode()).hexdigest()


def _written(value: Any) -> str:
    """An uploaded file by what is in it."""
    return f"{value.name} {digest_of(value)}" if isinstance(value, File) else str(value)
