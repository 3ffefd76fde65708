"""Queues mails through the real queue_mail at an even rate, each labelled with the fault that is going on."""

import random
import threading
import time
from dataclasses import dataclass, field

from django.db import DatabaseError, InterfaceError, close_old_connections, connection
from django.utils import timezone

from crm.core.mail.services.outbox import queue_mail
from tools.faults import orders

WORDS = [
    "plan",
    "review",
    "budget",
    "migration",
    "interview",
    "workshop",
    "draft",
    "handover",
    "contract",
    "rollout",
    "training",
    "backlog",
    "audit",
]
QUIET = "none"


@dataclass
class Mail:
    number: int
    kind: str
    fault: int
    orders: str = ""
    queued_at: float = 0.0
    options: dict = field(default_factory=dict)
    expected: set[str] | None = None  # None: as its orders say
    is_probe: bool = False

    @property
    def key(self) -> str:
        return f"fault:{self.kind}:{self.fault}:{self.number}"

    @property
    def address(self) -> str:
        return orders.address(self.number, self.orders)


def body(generator: random.Random) -> tuple[str, str]:
    """The size of a progress email: about 1.5 kB of text and 3 kB of HTML."""
    lines = [" ".join(generator.choices(WORDS, k=12)) for _line in range(14)]
    return "\n".join(lines), "".join(f'<p style="margin:0 0 12px;font-family:sans-serif">{line}</p>' for line in lines)


class Writer:
    def __init__(self, seed: int, *, kind: str = "progress"):
        self.kind = kind
        self.random = random.Random(seed)
        self.mails: list[Mail] = []
        self.lock = threading.Lock()
        self.label: tuple[str, int] = (QUIET, 0)
        self.next_orders: list[str] = []
        self.retries = 0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def write(self, **values) -> Mail:
        """Queue one mail before returning, with retries: the same key again changes nothing."""
        with self.lock:
            mail = Mail(len(self.mails) + 1, *self.label, **values)
            self.mails.append(mail)
            text, html = body(self.random)
        while True:
            try:
                queue_mail(
                    key=mail.key,
                    kind=self.kind,
                    to_address=mail.address,
                    to_name="Elina Saari",
                    subject=f"Progress {mail.number} – viikko 48",
                    text=text,
                    html=html,
                    from_name="Marta Keller",
                    reply_to="marta@firm.example",
                    **mail.options,
                )
                mail.queued_at = time.time()
                return mail
            except (DatabaseError, InterfaceError):
                self.retries += 1
                connection.close()
                time.sleep(0.2)

    def start(self, rate: float) -> None:
        """`rate` mails a second, from a thread of its own."""
        self._thread = threading.Thread(target=self._run, args=(rate,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(60)
        if self._error is not None:
            raise self._error

    def count(self) -> int:
        return len(self.mails)

    def order(self, words: list[str]) -> None:
        """Give each of the next mails one of these orders."""
        with self.lock:
            self.next_orders += words

    def wait_until_ordered(self, seconds: float = 60) -> None:
        until = time.monotonic() + seconds
        while self.next_orders and time.monotonic() < until and self._error is None:
            time.sleep(0.05)

    def _run(self, rate: float) -> None:
        began, done = time.monotonic(), 0
        try:
            while not self._stop.is_set():
                behind = (time.monotonic() - began) * rate - done
                if behind < 1:
                    self._stop.wait(min(0.2, (1 - behind) / rate))
                    continue
                with self.lock:
                    words = self.next_orders.pop(0) if self.next_orders else ""
                self.write(orders=words)
                done += 1
                close_old_connections()
        except BaseException as error:
            self._error = error


def due_now() -> dict:
    return {"send_at": timezone.now()}
