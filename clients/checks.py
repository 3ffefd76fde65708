"""Input checks that the services of this app run before they write."""

import math
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any

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
    known = _texts(type(row)).get(name)
    value = getattr(row, name)
    if known is None or type(value) is not str:
        return False
    longest, choices, may_be_blank, has_checks = known
    if not value:
        return may_be_blank
    is_one = choices is None or value in choices
    return len(value) <= longest and is_one and (not has_checks or _passes(type(row), name, value))


@lru_cache(maxsize=4096)
def _passes(model: type[Model], name: str, value: str) -> bool:
    field: Any = model._meta.get_field(name)
    try:
        field.run_validators(value)
    except ValidationError:
        return False
    return True


@cache
def _texts(model: type[Model]) -> dict[str, tuple[float, frozenset[str] | None, bool, bool]]:
    """{name: (longest, choices, may be blank, has other checks)} of the columns that hold a text."""
    return {
        field.name: (
            field.max_length or math.inf,
            frozenset(str(value) for value, _label in field.flatchoices) if field.choices else None,
            field.blank,
            not all(isinstance(check, MaxLengthValidator) for check in field.validators),
        )
        for field in model._meta.fields
        if isinstance(field, CharField | TextField) and not field.generated
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
