"""The kinds of mail, each declared once beside the function that queues it. The key is stored with every mail."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from functools import cached_property
from typing import Any

from django.template.loader import TemplateDoesNotExist, get_template, render_to_string

from crm.core.base.registry import Registry
from crm.core.base.secret_links import SecretLink
from crm.core.firm.queries import get_firm

EARLIER = ("reset", "login")  # from versions before 0.2.0; such mails may still be stored


class Resend(Enum):
    """What happens to a mail that may or may not have arrived."""

    ASK = "a person decides"
    BY_ITSELF = "sent again: a second copy does no harm"


@dataclass(frozen=True)
class MailKind:
    """`cause`: the model whose row the mail is about, or None. `templates`: their path without the extension; the HTML
    one may be missing. `purpose`: what the recipient agreed to. `why_not(mail)`: the reason it may not be sent, or "";
    checked when it is queued, released, sent again, and handed over. `expires_after`: default time after which it is no
    longer worth sending. `links`: placeholder in the templates → the link; `opt_out`: the placeholder of the opt-out
    link, also offered to mail programs. `is_secret`: it opens an account, so it is tried even at suppressed addresses
    and its body is shown to nobody.
    """

    key: str
    label: Any
    cause: Any = None
    templates: str = ""
    purpose: str = "service"
    why_not: Callable[[Any], str] = lambda mail: ""
    expires_after: timedelta | None = None
    resend: Resend = Resend.ASK
    links: Mapping[str, SecretLink] = field(default_factory=dict)
    opt_out: str = ""
    is_secret: bool = False

    def __post_init__(self):
        kinds.register(self)

    @cached_property
    def has_html(self) -> bool:
        try:
            return bool(get_template(f"{self.templates}.html"))
        except TemplateDoesNotExist:
            return False

    def render(self, context: dict[str, Any]) -> tuple[str, str]:
        """(text, HTML) in the active language and time zone; `firm` is added to the context."""
        context = {"firm": get_firm()} | context
        text = render_to_string(f"{self.templates}.txt", context).strip() + "\n"
        return text, render_to_string(f"{self.templates}.html", context) if self.has_html else ""


kinds: Registry[MailKind] = Registry("kind of mail")


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
    return sorted(((kind.key, kind.label) for kind in kinds), key=lambda pair: str(pair[1]))


def secret() -> set[str]:
    return {kind.key for kind in kinds if kind.is_secret} | {*EARLIER}


def resent() -> set[str]:
    """Kinds that are resent automatically."""
    return {kind.key for kind in kinds if kind.resend is Resend.BY_ITSELF} | {*EARLIER}
