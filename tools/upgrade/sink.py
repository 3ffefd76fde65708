"""A mail server that accepts every mail and keeps it in memory."""

import email
import email.policy
import logging
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from aiosmtpd.controller import Controller

from tools.upgrade.ports import free_port


@dataclass(frozen=True)
class Arrival:
    message_id: str
    recipients: tuple[str, ...]
    subject: str
    text: str


class Sink:
    def __init__(self) -> None:
        self.port = free_port()
        self.arrivals: list[Arrival] = []
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    def __enter__(self) -> "Sink":
        self._controller.start()
        return self

    def __exit__(self, *error) -> None:
        self._controller.stop()

    async def handle_DATA(self, server, session, envelope) -> str:
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        body = mail.get_body(("plain",))
        text = body.get_content() if body is not None else ""
        self.arrivals.append(Arrival(str(mail["Message-ID"]), tuple(envelope.rcpt_tos), str(mail["Subject"]), text))
        return "250 accepted"

    def counts(self) -> Counter[str]:
        """How often each Message-ID has arrived."""
        return Counter(arrival.message_id for arrival in list(self.arrivals))

    def find(self, message_id: str) -> Arrival | None:
        return next((arrival for arrival in list(self.arrivals) if arrival.message_id == message_id), None)

    def wait_for(self, message_ids: Iterable[str], seconds: float) -> set[str]:
        """Wait until all of these have arrived. Returns those that have not in that time."""
        end = time.monotonic() + seconds
        while missing := set(message_ids) - self.counts().keys():
            if time.monotonic() > end:
                break
            time.sleep(0.1)
        return missing
