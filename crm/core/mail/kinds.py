"""The kinds of mail: declared beside what renders them, registered in `hooks.py`. The key is stored with every mail."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from crm.core.base.registry import Registry

EARLIER = ("reset", "login")  # of versions before 0.2.0; such mails may still be kept


@dataclass(frozen=True)
class MailKind:
    """`cause`: the model whose row the mail is about, None for a mail about none. `is_secret`: it opens an account, so it is tried
    also at suppressed addresses and its body is shown to nobody. `purpose`: what the recipient agreed to. `opt_out`: the placeholder
    of the link that ends it, offered to mail programs too. `why_not(mail)`: a sentence why it may no longer be sent, or "";
    asked before a mail is released or sent again."""

    key: str
    label: Any
    order: int
    cause: Any = None
    is_secret: bool = False
    purpose: str = "service"
    opt_out: str = ""
    why_not: Callable[[Any], str] = lambda mail: ""


kinds: Registry[MailKind] = Registry("kind of mail")
register = kinds.register


def label_of(key: str) -> str:
    """The kind's label, or the key itself for an unknown kind."""
    kind = kinds.get(key)
    return str(kind.label) if kind else key


def has_cause(key: str) -> bool:
    """Whether mails of the kind name the row they are about; those of earlier versions may not."""
    kind = kinds.get(key)
    return bool(kind and kind.cause)


def refusal(mail) -> str:
    """Why the mail may no longer be sent as one of its kind, or ""."""
    kind = kinds.get(mail.kind)
    return kind.why_not(mail) if kind else ""


def choices() -> list[tuple[str, Any]]:
    return [(kind.key, kind.label) for kind in kinds]


def secret() -> set[str]:
    return {kind.key for kind in kinds if kind.is_secret} | {*EARLIER}
