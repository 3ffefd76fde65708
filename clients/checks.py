"""Input checks that the services of this app run before they write."""

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from crm.core.base.errors import ServiceError

CURRENCY = RegexValidator("^[A-Z]{3}$", _("Three letters, such as EUR."))


def clean_fields(row: Model, names: Iterable[str]) -> None:
    """Validate the named fields of a row before it is saved. Raises ServiceError for the first invalid one."""
    wanted = set(names)
    try:
        row.clean_fields(exclude={field.name for field in row._meta.fields} - wanted)
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise ServiceError(messages[0], field=field) from error


def check_constraints(row: Model, *, field: str = "") -> None:
    """Raises ServiceError for what a constraint of the table would refuse."""
    try:
        row.validate_constraints()
    except ValidationError as error:
        raise ServiceError(error.messages[0], field=field) from error


def only_known(fields: Iterable[str], allowed: Iterable[str]) -> None:
    """Raises TypeError for a field the caller may not set."""
    if unknown := set(fields) - set(allowed):
        raise TypeError(f"unknown fields: {', '.join(sorted(unknown))}")
