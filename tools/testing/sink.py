"""A real SMTP server in a thread: keeps what it accepted and misbehaves as told."""

import contextlib
import socket
import threading
from email import message_from_bytes, policy

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP


class Sink:
    """`answers`: what to say instead of 250, by command ("MAIL", "RCPT", "DATA"), used up one by one. The answer "drop" hangs up
    without one; "keep and drop" accepts the mail first, as a server does whose 250 is lost."""

    def __init__(self):
        self.mails, self.answers, self.lock = [], {"MAIL": [], "RCPT": [], "DATA": []}, threading.Lock()
        self.connections = self.probes = 0
        self.on_data = self.on_accept = None

    def _answer(self, command):
        return self.answers[command].pop(0) if self.answers[command] else None

    async def handle_MAIL(self, server, session, envelope, address, options):
        answer = self._answer("MAIL")
        if answer:
            return self._say(server, answer)
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        answer = self._answer("RCPT")
        if answer:
            return self._say(server, answer)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.on_data:
            self.on_data()
        answer = self._answer("DATA")
        if answer == "drop":
            return self._say(server, answer)
        if answer and answer != "keep and drop":
            return answer
        with self.lock:
            self.mails.append(envelope)
            if self.on_accept:
                self.on_accept(envelope)
        return self._say(server, "drop") if answer else f"250 queued as {len(self.mails)}"

    def _say(self, server, answer):
        if answer == "drop":
            server.transport.abort()
            return "421 gone"
        return answer

    def messages(self):
        return [message_from_bytes(envelope.content, policy=policy.default) for envelope in self.mails]


class _Server(SMTP):
    def connection_made(self, transport):
        self.event_handler.connections += 1
        super().connection_made(transport)


class _Controller(Controller):
    def factory(self):
        return _Server(self.handler, **self.SMTP_kwargs)


@contextlib.contextmanager
def running_sink():
    """(sink, its EMAIL_URL)."""
    sink = Sink()
    controller = _Controller(sink, hostname="127.0.0.1", port=_free_port())
    controller.start()
    sink.probes = sink.connections  # the controller looks whether it listens
    try:
        yield sink, f"smtp://127.0.0.1:{controller.port}"
    finally:
        controller.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
