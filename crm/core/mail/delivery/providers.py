"""Mail providers with an HTTP interface, through django-anymail; to the deliverer they look like an SMTP session.

`EMAIL_URL=anymail+postmark://KEY@provider`, further settings of the provider as a query:
`?sender_domain=mg.example.com`. A provider that takes an idempotency key answers a repeated request with its first
answer, so an undecided mail is simply handed over again within the provider's window.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

import requests
from anymail.exceptions import AnymailAPIError, AnymailError, AnymailRecipientsRefused
from anymail.message import AnymailMessage
from django.conf import settings
from django.core.mail import get_connection

from crm.core.mail.delivery.relay import Refused, Stale, Unknown, Unreachable

PREFIX = "anymail+"
KEY_NAMES = {
    "brevo": "api_key",
    "mailersend": "api_token",
    "mailgun": "api_key",
    "mailjet": "api_key",
    "mailtrap": "api_token",
    "mandrill": "api_key",
    "postmark": "server_token",
    "resend": "api_key",
    "sendgrid": "api_key",
    "sparkpost": "api_key",
}
# Provider → how long it remembers an idempotency key (header Idempotency-Key). Source: resend.com/docs, "Idempotency keys".
REMEMBERS = {"resend": timedelta(hours=24)}
MARGIN = timedelta(minutes=30)
TAKEN_BY_LIBRARY = frozenset(
    {"from", "to", "subject", "reply-to", "content-type", "mime-version", "content-transfer-encoding"}
)
NOT_SENT = (requests.ConnectTimeout, requests.exceptions.SSLError, requests.exceptions.ProxyError)


@dataclass(frozen=True)
class Provider:
    name: str
    options: dict[str, Any]

    def __repr__(self):
        return f"{PREFIX}{self.name}"  # never the key


def parse(url: str) -> Provider | None:
    """The provider an EMAIL_URL names; None when it names none. Raises KeyError for an unknown one."""
    parts = urlsplit(url)
    if not parts.scheme.startswith(PREFIX):
        return None
    name = parts.scheme.removeprefix(PREFIX)
    return Provider(name, {KEY_NAMES[name]: unquote(parts.username or "")} | dict(parse_qsl(parts.query)))


class ApiSession:
    """One HTTP session with a provider, used for several mails."""

    def __init__(self, provider: Provider):
        self.provider, self.mark = provider, f"{provider.name}:"
        self.remembers = REMEMBERS[provider.name] - MARGIN if provider.name in REMEMBERS else None
        self.connection = cast(
            Any, get_connection(f"anymail.backends.{provider.name}.EmailBackend", **provider.options)
        )
        self.connection.timeout = settings.MAIL_FINAL_SECONDS
        self.sender = self.recipient = ""
        self.provider_id = ""

    def envelope(self, sender: str, recipient: str, journal: str = "") -> bool:
        """A provider takes the whole mail at once, without an envelope step, and has a log instead of a journal."""
        self.sender, self.recipient, self.provider_id = sender, recipient, ""
        return False

    def hand_over(self, message: bytes, is_over: Callable[[], bool] = lambda: False) -> str:
        """Raises Refused, Unreachable (nothing was handed over), Unknown, and Stale when `is_over` just before the request."""
        mail = _as_anymail(message)
        try:
            self.connection.open()
            if is_over():
                raise Stale
            if self.provider.name in REMEMBERS:
                self.connection.session.headers["Idempotency-Key"] = str(mail.extra_headers["Message-ID"]).strip("<>")
            self.connection.send_messages([mail])
        except AnymailError as error:
            self.close()
            raise _told_apart(error) from error
        self.provider_id = str(mail.anymail_status.message_id or "")[:200]
        return f"{self.provider.name}: accepted as {self.provider_id}"

    def close(self) -> None:
        self.connection.close()


def _told_apart(error: AnymailError) -> Exception:
    """Map the library's errors to the four that the deliverer knows."""
    text = " ".join(str(error).split())[:400]
    status = getattr(error, "status_code", None)
    if isinstance(error, AnymailRecipientsRefused):
        return Refused(550, text)
    if isinstance(error, NOT_SENT) or (isinstance(error, requests.ConnectionError) and _never_connected(error)):
        return Unreachable(text)
    if isinstance(error, AnymailAPIError) and status is not None:
        if status in (401, 403):
            return Unreachable(text)  # the key was not accepted: says nothing about the mail
        if status in (409, 429, 503):
            return Refused(451, text)
        return Refused(550, text) if 400 <= status < 500 else Unknown(text)
    if isinstance(error, AnymailAPIError):
        # cut off, timed out, or an answer that cannot be read
        return Unknown(text, is_silent=isinstance(error.__cause__, requests.Timeout))
    return Refused(550, text)  # the library cannot build a request from it


def _never_connected(error: Exception) -> bool:
    text = repr(error.__cause__)
    return "NewConnectionError" in text or "NameResolutionError" in text


def _as_anymail(raw: bytes) -> AnymailMessage:
    """The mail built for SMTP, in the library's form: parts, headers and attachments are kept."""
    built = message_from_bytes(raw, _class=EmailMessage, policy=SMTP)
    plain, html = built.get_body(("plain",)), built.get_body(("html",))
    mail = AnymailMessage(
        subject=built["Subject"],
        from_email=built["From"],
        to=[built["To"]],
        body=plain.get_content() if plain else "",
        reply_to=[built["Reply-To"]] if built["Reply-To"] else None,
        headers={name: value for name, value in built.items() if name.lower() not in TAKEN_BY_LIBRARY},
    )
    if html:
        mail.attach_alternative(html.get_content(), "text/html")
    for part in built.iter_attachments():
        mail.attach(part.get_filename(), part.get_payload(decode=True), part.get_content_type())
    return mail
