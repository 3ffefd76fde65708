"""The actor columns of a row: a colleague or a client contact, never both; neither means the system."""

from typing import Any

from django.db.models import CheckConstraint, Q

from crm.core.base.principals import Principal


def one_actor(user: str, contact: str, *, name: str, may_be_system: bool = False) -> CheckConstraint:
    """The constraint on an actor's two columns. `may_be_system` allows both to be empty, which means the system."""
    nobody = Q(**{f"{user}__isnull": True, f"{contact}__isnull": True})
    both = Q(**{f"{user}__isnull": False, f"{contact}__isnull": False})
    return CheckConstraint(condition=~both if may_be_system else ~both & ~nobody, name=name)


def actor_columns(principal: Principal, user: str, contact: str) -> dict[str, Any]:
    """The values of both columns for this principal: `actor_columns(principal, "author", "author_contact_id")`."""
    if principal.user is not None:
        return {user: principal.user, contact: None}
    return {user: None, contact: principal.contact_id}


def set_actor(row: Any, principal: Principal, user: str, contact: str) -> None:
    """Set a row's actor columns to the principal; SYSTEM empties both."""
    for name, value in actor_columns(principal, user, contact).items():
        setattr(row, name, value)


def actor_name(user: str, contact: str) -> property:
    """A property of a row: the actor's name, "" for the system."""

    def name(row: Any) -> str:
        actor = getattr(row, user) or getattr(row, contact)
        return actor.name if actor else ""

    return property(name)
