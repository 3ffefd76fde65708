"""The mail as it is sent, and as pages may show it.

`OutboxMail.links` defines the placeholders in the frozen body: `{"[[stop]]": {"purpose": "progress-stop", "id": 12,
"salt": "…", "path": "/mail/stop/{id}/{token}/"}}`. The link is derived when the mail is handed to the server and is
never stored; pages show a word instead.
"""

import re
import uuid
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from typing import Any

from django.conf import settings
from django.db import Error
from django.utils.translation import gettext as _

from crm.core.base.secret_links import link_token
from crm.core.files.services import read_bytes
from crm.core.firm.models import FirmSettings
from crm.core.mail import kinds
from crm.core.mail.models import OutboxMail
from crm.core.mail.services.outbox import sender_address
from crm.core.ui.formatting import one_line

OWN_HEADERS = frozenset(
    {"from", "to", "cc", "bcc", "subject", "date", "message-id", "reply-to", "sender", "content-type", "mime-version"}
)
HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")

LINE, LONGEST_WORD = 76, 900  # a line of a mail may have 998 characters


class _Policy(EmailPolicy):
    """As SMTP, but plain ASCII is neither parsed (which takes most of the time) nor encoded when it is long.

    The standard policy encodes a link that does not fit a line, and mail programs then cannot find the address in
    List-Unsubscribe.
    """

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        is_plain = isinstance(value, str) and value.isascii() and value.isprintable() and "=?" not in value
        if is_plain and not name.lower().startswith(("content-", "mime-")):
            return name, value
        return super().header_store_parse(name, value)

    def fold_binary(self, name: str, value: Any) -> bytes:
        if hasattr(value, "name") or "  " in value or max(map(len, value.split(" "))) > LONGEST_WORD:
            return super().fold_binary(name, value)
        return folded(f"{name}: {value}").encode("ascii")


def folded(header: str) -> str:
    """Lines of at most 76 characters, broken at spaces; the first word stays beside the name."""
    name, first, *words = header.split(" ")
    lines = [f"{name} {first}"]
    for word in words:
        if len(lines[-1]) + len(word) < LINE:
            lines[-1] += f" {word}"
        else:
            lines.append(f" {word}")
    return "\r\n".join(lines) + "\r\n"


SENT_AS = _Policy(linesep="\r\n")


class Unsendable(Exception):
    """The row cannot be made into a mail; the message says why."""


def build(mail: OutboxMail, firm: FirmSettings) -> bytes:
    """The mail with its links filled in. Raises Unsendable for any fault of the row; such a mail is not retried."""
    try:
        return _build(mail, firm).as_bytes()
    except Error:
        raise  # the database is away: says nothing about the mail
    except Exception as error:
        raise Unsendable(_("This email cannot be built: %(reason)s") % {"reason": error}) from error


def _build(mail: OutboxMail, firm: FirmSettings) -> EmailMessage:
    message = EmailMessage(policy=SENT_AS)
    from_name = one_line(mail.from_name or firm.mail_from_name or _default_name(firm))
    message["From"] = str(Address(from_name, addr_spec=envelope_sender(firm)))
    message["To"] = str(Address(one_line(mail.to_name), addr_spec=ascii_address(mail.to_address)))
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.created_at)
    message["Message-ID"] = mail.message_id
    if mail.reply_to:
        message["Reply-To"] = str(Address(addr_spec=ascii_address(mail.reply_to)))
    links = real_links(mail.links)
    for name, value in mail.headers.items():
        if not HEADER_NAME.fullmatch(name) or name.lower() in OWN_HEADERS:
            raise ValueError(name)
        message[name] = put_in(value, links)
    message.set_content(put_in(mail.text, links), charset="utf-8", cte="quoted-printable")
    if mail.html:
        message.make_alternative(boundary=f"=_{uuid.uuid4().hex}")
        message.add_alternative(put_in(mail.html, links), subtype="html", charset="utf-8", cte="quoted-printable")
    # the claim already knows whether there are any; otherwise query
    attachments = mail.attachments.select_related("file") if getattr(mail, "has_attachments", True) else []
    for attached in attachments:
        main, _slash, sub = attached.file.content_type.partition("/")
        message.add_attachment(
            read_bytes(attached.file),
            maintype=main or "application",
            subtype=sub or "octet-stream",
            filename=attached.name,
        )
    return message


def envelope_sender(firm: FirmSettings) -> str:
    return ascii_address(firm.mail_from_address or sender_address())


def ascii_address(address: str) -> str:
    """The address with its domain in ASCII (IDNA), as servers without SMTPUTF8 need it."""
    local, at, domain = address.rpartition("@")
    return address if domain.isascii() else local + at + domain.encode("idna").decode("ascii")


def _default_name(firm: FirmSettings) -> str:
    name = settings.DEFAULT_FROM_EMAIL.partition("<")[0].strip(' "') if "<" in settings.DEFAULT_FROM_EMAIL else ""
    return firm.name or name


def real_links(links: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Placeholder → address, on the configured base URL."""
    return {placeholder: settings.BASE_URL + _path(link) for placeholder, link in links.items()}


def _path(link: dict[str, Any]) -> str:
    token = link_token(link["purpose"], int(link["id"]), link["salt"])
    return link["path"].replace("{id}", str(int(link["id"]))).replace("{token}", token)


def put_in(text: str, links: dict[str, str]) -> str:
    for placeholder, address in links.items():
        text = text.replace(placeholder, address)
    return text


def is_secret(mail: OutboxMail) -> bool:
    """Mails that open an account: their text is shown to nobody."""
    return mail.kind in kinds.secret()


def text_for_display(mail: OutboxMail) -> str:
    if is_secret(mail):
        return _("This email contains a personal link, so its text is hidden.")
    return put_in(mail.text, dict.fromkeys(mail.links, _("[personal link]")))


def html_for_display(mail: OutboxMail) -> str:
    """The HTML part with its links masked; "" when there is none or it may not be shown."""
    return "" if is_secret(mail) else put_in(mail.html, dict.fromkeys(mail.links, "#"))


def header_rows(mail: OutboxMail) -> list[tuple[str, str]]:
    """The mail's own headers, links masked."""
    masked = dict.fromkeys(mail.links, _("[personal link]"))
    return [(name, put_in(value, masked)) for name, value in mail.headers.items()]
