"""What recipients have asked for: apps register, in their `hooks.py`, why a mail of a kind may not go out any more.

Asked when a mail that was written once is to go out after all: sent again, written anew, released.
"""

from collections.abc import Callable

from crm.core.mail.models import OutboxMail

_kinds: dict[str, Callable[[OutboxMail], str]] = {}


def register(kind: str, why_not: Callable[[OutboxMail], str]) -> None:
    """`why_not(mail)` gives a sentence, or "" when the mail may go."""
    _kinds[kind] = why_not


def reason_not_to(mail: OutboxMail) -> str:
    return _kinds[mail.kind](mail) if mail.kind in _kinds else ""
