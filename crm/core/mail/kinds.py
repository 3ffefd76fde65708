"""The kinds of mail: each app registers its own in its `hooks.py`. The key is stored with every mail."""

from dataclasses import dataclass
from typing import Any

from crm.core.base.registry import Registry


@dataclass(frozen=True)
class MailKind:
    key: str
    label: Any
    order: int


kinds: Registry[MailKind] = Registry("kind of mail")
register = kinds.register


def label_of(key: str) -> str:
    """The kind's label, or the key itself for an unknown kind."""
    kind = kinds.get(key)
    return str(kind.label) if kind else key


def choices() -> list[tuple[str, Any]]:
    return [(kind.key, kind.label) for kind in kinds]
