"""The principal: a colleague, a contact in the portal, the holder of a link from an email, or the system.

Every read uses `visible_to(principal)`; every service takes the principal as its first argument. The middleware sets it
on a request, tasks and commands use SYSTEM, and code that has a user calls `acting(user)`.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    USER = "user"
    CONTACT = "contact"
    LINK = "link"
    SYSTEM = "system"
    NOBODY = "nobody"


READ, WRITE = "read", "write"
EVERY_SCOPE = frozenset({READ, WRITE})


@dataclass(frozen=True, slots=True)
class Principal:
    """`user` is the colleague who acts, None for other kinds. A contact and a link name the contact and the client they
    act for. `scopes` are those of an API token. `acting_for` is the user whose view a colleague looks through ("view
    as").
    """

    kind: Kind
    user: Any = None
    contact_id: int | None = None
    client_id: int | None = None
    scopes: frozenset[str] = EVERY_SCOPE
    acting_for: Any = None

    def __str__(self) -> str:
        return str(self.user) if self.user is not None else str(self.kind)

    @property
    def user_id(self) -> int | None:
        return self.user.pk if self.user is not None else None

    @property
    def viewer(self) -> Any:
        """The user whose visibility applies; None for other kinds."""
        return self.acting_for or self.user

    @property
    def is_user(self) -> bool:
        """Whether it is a colleague who may still sign in."""
        return self.kind is Kind.USER and self.user.is_active

    @property
    def is_system(self) -> bool:
        return self.kind is Kind.SYSTEM

    @property
    def is_admin(self) -> bool:
        return self.is_user and self.viewer.is_admin

    @property
    def is_manager(self) -> bool:
        return self.is_user and self.viewer.is_manager

    @property
    def is_account_manager(self) -> bool:
        return self.is_user and self.viewer.is_account_manager

    @property
    def sees_all(self) -> bool:
        return self.is_user and self.viewer.sees_all

    @property
    def may_write(self) -> bool:
        """False with a read-only token, and while viewing as another user."""
        return WRITE in self.scopes and self.acting_for is None

    def only(self, *scopes: str) -> "Principal":
        return replace(self, scopes=self.scopes & frozenset(scopes))


SYSTEM = Principal(Kind.SYSTEM)
NOBODY = Principal(Kind.NOBODY)


def acting(user: Any) -> Principal:
    """The principal of a user; NOBODY if not signed in."""
    return Principal(Kind.USER, user=user) if user is not None and user.is_authenticated else NOBODY


def by_link(*, contact_id: int | None, client_id: int | None) -> Principal:
    """The holder of a link from an email: the contact it was made for, at that client."""
    return Principal(Kind.LINK, contact_id=contact_id, client_id=client_id)
