"""The connection to the mail server, up to and after the dot.

It can fail in four ways, which are settled differently: the server cannot be reached; it refuses with a code; the
connection ends before the final dot (nothing was accepted); it ends after the dot (unknown).
"""

import contextlib
import re
import smtplib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from django.conf import settings

from crm.core.mail.choices import KEPT_HERE

SLOWEST_LINE = 100_000  # bytes a second
PORTS = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465, "smtps": 465}


class Unreachable(Exception):
    """No session could be opened: refused, timed out, no TLS, login not accepted. Says nothing about any mail."""


class Refused(Exception):
    """The server said no, with a code."""

    def __init__(self, code: int, reply: str):
        super().__init__(f"{code} {reply}")
        self.code, self.reply = code, f"{code} {reply}"


class Dropped(Exception):
    """The connection ended before the final dot: the server has not accepted the mail."""


class Stale(Exception):
    """The sender was paused so long before the final dot that another may have the mail. The mail was not finished."""


class Unknown(Exception):
    """No answer to the final dot: the mail may have been accepted or not. `is_silent`: the connection was open, and no
    answer came.
    """

    def __init__(self, reply: str, *, is_silent: bool = False):
        super().__init__(reply)
        self.is_silent = is_silent


@dataclass(frozen=True)
class Relay:
    scheme: str
    host: str
    port: int
    username: str = ""
    password: str = ""

    def __repr__(self):
        return f"{self.scheme}://{self.host}:{self.port}"  # never the password


def parse(url: str) -> Relay | None:
    """The relay an EMAIL_URL names; None for capture://. User and password are URL-decoded."""
    parts = urlsplit(url)
    if parts.scheme == "capture":
        return None
    return Relay(
        scheme=parts.scheme,
        host=parts.hostname or "",
        port=parts.port or PORTS[parts.scheme],
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


class Captured:
    """Instead of a server: the mail stays in the outbox and is not sent."""

    mark = provider_id = ""
    remembers = None

    def envelope(self, sender: str, recipient: str, journal: str = "") -> bool:
        return False

    def hand_over(self, message: bytes, is_over: Callable[[], bool] = lambda: False) -> str:
        return KEPT_HERE

    def close(self) -> None:
        pass


class Session:
    """One SMTP connection, opened when first needed and used for several mails."""

    mark = provider_id = ""
    remembers = None  # SMTP knows no idempotency key

    def __init__(self, relay: Relay, local_name: str):
        self.relay, self.local_name = relay, local_name
        self.smtp: smtplib.SMTP | None = None

    def open(self) -> None:
        """Connect, EHLO, STARTTLS and AUTH, unless already done. Raises Unreachable."""
        if self.smtp is not None:
            return
        try:
            self.smtp = self._connect()
            self.smtp.ehlo_or_helo_if_needed()
            if self.relay.scheme == "smtp+tls":
                self.smtp.starttls(context=ssl.create_default_context())
                self.smtp.ehlo()
            if self.relay.username:
                self.smtp.login(self.relay.username, self.relay.password)
            self._wait_up_to(settings.MAIL_ANSWER_SECONDS)
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise Unreachable(_said(error)) from error

    def _connect(self) -> smtplib.SMTP:
        host, port, name = self.relay.host, self.relay.port, self.local_name
        if self.relay.scheme in ("smtp+ssl", "smtps"):
            context = ssl.create_default_context()
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                host, port, name, timeout=settings.MAIL_CONNECT_SECONDS, context=context
            )
        else:
            smtp = smtplib.SMTP(host, port, name, timeout=settings.MAIL_CONNECT_SECONDS)
        if smtp.sock is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # body and dot are two writes
        return smtp

    def envelope(self, sender: str, recipient: str, journal: str = "") -> bool:
        """MAIL and RCPT; whether the server also takes the copy for the journal. Raises Refused, Dropped, or Unreachable.

        If the server closed the connection of the previous mail, it reconnects once.
        """
        was_open = self.smtp is not None
        self.open()
        try:
            return self._envelope(sender, recipient, journal)
        except Dropped:
            if not was_open:
                raise
            self.open()
            return self._envelope(sender, recipient, journal)

    def _envelope(self, sender: str, recipient: str, journal: str) -> bool:
        self._command("mail", sender)
        try:
            self._command("rcpt", recipient)
        except Refused:
            self._reset()
            raise
        return bool(journal) and self._takes(journal)

    def _takes(self, journal: str) -> bool:
        """A refused journal recipient does not stop the mail; it goes out without the copy."""
        try:
            self._command("rcpt", journal)
        except Refused as error:
            if error.code == 421:
                raise Dropped(error.reply) from error
            return False
        return True

    def _command(self, name: str, argument: str) -> None:
        try:
            code, reply = getattr(self.smtp, name)(argument)
        except (OSError, smtplib.SMTPException) as error:
            self.abort()
            raise Dropped(_said(error)) from error
        if code not in (250, 251):
            if code == 421:
                self.close()
            raise Refused(code, _text(reply))

    def hand_over(self, message: bytes, is_over: Callable[[], bool] = lambda: False) -> str:
        """DATA, the body, the dot; the server's words for its 250. Raises Refused, Dropped before the dot, Unknown after it.

        `is_over` is checked right before the dot, because only the dot makes the server accept the mail. Raises Stale
        if it is over.
        """
        assert self.smtp is not None
        try:
            code, reply = self.smtp.docmd("DATA")
            if code != 354:
                self._reset()
                raise Refused(code, _text(reply))
            self._wait_up_to(settings.MAIL_ANSWER_SECONDS + len(message) / SLOWEST_LINE)
            self.smtp.send(_stuffed(message))
        except (OSError, smtplib.SMTPException) as error:
            self.abort()
            raise Dropped(_said(error)) from error
        if is_over():
            self.abort()
            raise Stale
        return self._finish()

    def _finish(self) -> str:
        if self.smtp is None:
            raise Dropped("not connected")
        try:
            self._wait_up_to(settings.MAIL_FINAL_SECONDS)
            self.smtp.send(b".\r\n")
            code, reply = self.smtp.getreply()
            self._wait_up_to(settings.MAIL_ANSWER_SECONDS)
        except (OSError, smtplib.SMTPException) as error:
            self.abort()
            raise Unknown(_said(error), is_silent=_timed_out(error)) from error
        if code != 250:
            if code == 421:
                self.close()
            if not 400 <= code <= 599:
                self.close()
                raise Unknown(f"{code} {_text(reply)}")
            raise Refused(code, _text(reply))
        return f"{code} {_text(reply)}"

    def _reset(self) -> None:
        try:
            if self.smtp is not None:
                self.smtp.rset()
        except (OSError, smtplib.SMTPException):
            self.close()

    def _wait_up_to(self, seconds: float) -> None:
        if self.smtp is not None and self.smtp.sock is not None:
            self.smtp.sock.settimeout(seconds)

    def abort(self) -> None:
        """Close the connection without QUIT: within a body QUIT would be read as text, and a silent server would not answer."""
        smtp, self.smtp = self.smtp, None
        if smtp is not None:
            smtp.close()

    def close(self) -> None:
        smtp, self.smtp = self.smtp, None
        if smtp is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                if smtp.sock is not None:
                    smtp.sock.settimeout(2)
                    smtp.quit()
            smtp.close()


def _stuffed(message: bytes) -> bytes:
    """The body as it goes over the wire: lines end in CRLF, a leading dot is doubled."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", message)
    if not lines.endswith(b"\r\n"):
        lines += b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", lines)


def _text(reply) -> str:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else str(reply)
    return " ".join(text.split())[:400]


def _timed_out(error: Exception) -> bool:
    """smtplib reports a time-out as a closed connection, raised while handling it."""
    return isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    return _text(str(error) or type(error).__name__)
