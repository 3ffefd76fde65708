"""What every write does: one transaction, a permission check, and the principal in the history."""

import functools
import inspect
from collections.abc import Callable
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Concatenate, ParamSpec, TypeVar

import pghistory
from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import BaseConstraint, F

from crm.core.base.errors import ServiceError
from crm.core.base.permissions import require
from crm.core.base.principals import Kind, Principal

P = ParamSpec("P")
R = TypeVar("R")
COLLEAGUES = frozenset({Kind.USER, Kind.SYSTEM})
_within: ContextVar[bool] = ContextVar("within_a_service", default=False)
UNWORDED = BaseConstraint.default_violation_error_message
SERVICES: dict[str, Callable[..., Any]] = {}
refusals: list[Callable[[str], ServiceError | None]] = []  # of constraints that no model names, by their name


def service(
    *, may: Callable[..., bool] | None, why: Any = "", open_to: frozenset[Kind] = COLLEAGUES
) -> Callable[[Callable[Concatenate[Principal, P], R]], Callable[Concatenate[Principal, P], R]]:
    """Make a function a service: `f(principal, …)` runs in one transaction, checks `may`, and records the principal in
    the history.

    `may(principal, …)` is called with those arguments of the service that it names; `may=None` allows every principal
    in `open_to`. The system is not checked. `why` is the message of a refusal. Raises PermissionDenied before anything
    is read or written. A service called by another keeps the outer one's history context.
    """

    def decorate(function: Callable[Concatenate[Principal, P], R]) -> Callable[Concatenate[Principal, P], R]:
        signature = inspect.signature(function)
        asked = list(inspect.signature(may).parameters)[1:] if may is not None else []
        if missing := [name for name in asked if name not in signature.parameters]:
            raise TypeError(f"{function.__qualname__} has no {', '.join(missing)} for {may.__name__} to look at")  # type: ignore[union-attr]

        @functools.wraps(function)
        def call(principal: Principal, /, *args: P.args, **kwargs: P.kwargs) -> R:
            if not isinstance(principal, Principal):
                raise TypeError(f"{function.__name__} takes a principal first, not {type(principal).__name__}")
            if principal.kind not in open_to or not principal.may_write:
                raise PermissionDenied(str(why) or None)
            if may is not None and not principal.is_system:
                given = signature.bind(principal, *args, **kwargs)
                given.apply_defaults()
                require(may(principal, **{name: given.arguments[name] for name in asked}), str(why))
            try:
                with transaction.atomic(), _history_of(principal):
                    return function(principal, *args, **kwargs)
            except IntegrityError as error:  # two at once: an earlier check could not see it, the database refuses it
                raise refusal_of(error) or error from error

        call.may, call.open_to = may, open_to  # type: ignore[attr-defined]
        SERVICES[f"{function.__module__}.{function.__qualname__}"] = call
        return call

    return decorate


def refusal_of(error: IntegrityError) -> ServiceError | None:
    """The message of a violated constraint as a ServiceError on its first field; None if it has no message of its
    own.
    """
    name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
    for word in refusals:
        if name and (found := word(name)):
            return found
    for model in apps.get_models():
        for constraint in model._meta.constraints:
            if name and constraint.name == name and constraint.violation_error_message != UNWORDED:
                return ServiceError(str(constraint.violation_error_message), field=_first_field(constraint))
    return None


def _first_field(constraint: BaseConstraint) -> str:
    fields = getattr(constraint, "fields", ())
    named = [
        getattr(found, "name", "")
        for given in getattr(constraint, "expressions", ())
        for found in ([given] if isinstance(given, F) else given.flatten())
        if isinstance(found, F)
    ]
    return next(iter([*fields, *named]), "")


@contextmanager
def _history_of(principal: Principal):
    if _within.get():
        yield
        return
    token = _within.set(True)
    try:
        with pghistory.context(**_named(principal)):
            yield
    finally:
        _within.reset(token)


def _named(principal: Principal) -> dict[str, Any]:
    """What the history stores about a principal. What the system does within a request is recorded under the request's
    user.
    """
    if principal.kind is Kind.USER:
        return {"user": principal.user_id}
    named: dict[str, Any] = {"principal": str(principal.kind)}
    if principal.contact_id is not None:
        named["contact"] = principal.contact_id
    return named
