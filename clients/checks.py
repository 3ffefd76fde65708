"""Input checks that the services of this app run before they write."""

import math
from collections.abc import Iterable
from functools import cache

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, RegexValidator
from django.db.models import CharField, Model, TextField
from django.utils.translation import gettext_lazy as _

from crm.core.base.errors import ServiceError

CURRENCY = RegexValidator("^[A-Z]{3}$", _("Three letters, such as EUR."))


def clean_fields(row: Model, names: Iterable[str]) -> None:
    """Validate the named fields of a row before it is saved. Raises ServiceError for the first invalid one."""
    wanted = {name for name in names if not _is_right(row, name)}
    if not wanted:
        return
    try:
        row.clean_fields(exclude={field.name for field in row._meta.fields} - wanted)
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise ServiceError(messages[0], field=field) from error


def _is_right(row: Model, name: str) -> bool:
    """Whether a value needs no closer look, as most texts: what is short enough, and one of the choices if there are some."""
    short = _texts(type(row)).get(name)
    if short is None:
        return False
    value = getattr(row, name)
    longest, choices, may_be_blank = short
    if type(value) is not str:
        return False
    if not value:
        return may_be_blank
    return len(value) <= longest and (choices is None or value in choices)


@cache
def _texts(model: type[Model]) -> dict[str, tuple[float, frozenset[str] | None, bool]]:
    """{name: (longest, choices, may be blank)} of the columns that ask nothing else of a text."""
    return {
        field.name: (
            field.max_length or math.inf,
            frozenset(str(value) for value, _label in field.flatchoices) if field.choices else None,
            field.blank,
        )
        for field in model._meta.fields
        if isinstance(field, CharField | TextField)
        and not field.generated
        and all(isinstance(check, MaxLengthValidator) for check in field.validators)
    }


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
