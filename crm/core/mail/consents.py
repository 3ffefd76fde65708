"""What recipients have asked for: apps register, in their `hooks.py`, why a mail of a kind may not go out any more.

Asked when a mail that was written once is to go out after all: sent again, written anew, released.
"""

from collections.abc import Callable
from dataclasses import dataclass

from crm.core.base.registry import Registry
from crm.core.mail.models import OutboxMail


@dataclass(frozen=True)
class Consent:
    """Of a kind of mail, its `key`: `why_not(mail)` gives a sentence, or "" when the mail may go."""

    key: str
    why_not: Callable[[OutboxMail], str]


consents: Registry[Consent] = Registry("consent to a kind of mail")


def register(kind: str, why_not: Callable[[OutboxMail], str]) -> None:
    consents.register(Consent(kind, why_not))


def reason_not_to(mail: OutboxMail) -> str:
    return consents[mail.kind].why_not(mail) if mail.kind in consents else ""
