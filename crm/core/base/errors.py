"""Errors that services raise when a rule refuses a write."""

from collections.abc import Iterable
from typing import Any

from django.http import Http404


class ServiceError(Exception):
    """A business rule refuses the write. `field` names the input ("" for the whole form); the message is for people."""

    def __init__(self, message: str, *, field: str = "", code: str = "invalid"):
        super().__init__(message)
        self.message, self.field, self.code = str(message), field, code


class StaleWrite(ServiceError):
    """Somebody else saved another version first (409). `current` is the saved row, `who` that person's name or "", `fields` the
    fields that both changed ([] if unknown)."""

    def __init__(self, message: str, *, current=None, who: str = "", fields: Iterable[str] = ()):
        super().__init__(message, code="stale")
        self.current, self.who, self.fields = current, who, list(fields)


class MovedRecord(Http404):
    """The record was merged into `now`, which the principal sees. A page or an answer to a reading request leads there; a write is
    refused (409). `argument` names the record's id, `pk`, in the address.
    """

    def __init__(self, now: Any, *, pk: int, argument: str):
        super().__init__()
        self.now, self.pk, self.argument = now, pk, argument


def add_to_form(form, error: ServiceError) -> None:
    """Show a service's refusal beside the field it concerns."""
    form.add_error(error.field if error.field in form.fields else None, error.message)
