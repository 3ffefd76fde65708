"""Opt-outs: apps register, in their `hooks.py`, why an email of a kind may no longer be sent.

Asked before an existing email is sent again or released.
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


def refusal(mail: OutboxMail) -> str:
    return consents[mail.kind].why_not(mail) if mail.kind in consents else ""
