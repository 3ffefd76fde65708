"""A mail server in its own process: records what it accepts, then waits, then answers 250.

A mail is accepted if it is in the ledger, one line per mail. A copy for the journal goes into a Maildir in the same
moment. The mails carry their instructions (`orders`); a Unix socket tells the sink to refuse connections and to accept
them again.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import random
import re
import time
from pathlib import Path

from aiosmtpd.smtp import SMTP

from tools.faults import orders
from tools.faults.orders import JOURNAL, Order

MESSAGE_ID = re.compile(rb"^Message-ID:\s*(<[^>]+>)", re.IGNORECASE | re.MULTILINE)
SILENT_SECONDS = 20
REPLIES = {
    "421": "421 4.3.2 closing",
    "451": "451 4.3.0 later",
    "452": "452 4.2.2 full",
    "550": "550 5.1.1 no such person",
}


def is_journal(recipient: str) -> bool:
    local, _at, domain = JOURNAL.partition("@")
    return recipient.startswith(local) and recipient.endswith("@" + domain)


class Books:
    """The ledger and the journal, written before each answer."""

    def __init__(self, folder: Path):
        self.ledger = os.open(folder / "ledger", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.maildir = folder / "journal"
        for part in ("tmp", "new", "cur"):
            (self.maildir / part).mkdir(parents=True, exist_ok=True)
        self.count = 0

    def accept(self, recipients: list[str], content: bytes) -> None:
        self.count += 1
        found = MESSAGE_ID.search(content)
        message_id = found[1].decode() if found else "-"
        if any(is_journal(recipient) for recipient in recipients):
            name = f"{time.time():.6f}.{os.getpid()}_{self.count}.sink"
            (self.maildir / "tmp" / name).write_bytes(content)
            (self.maildir / "tmp" / name).rename(self.maildir / "new" / name)
        os.write(self.ledger, f"{time.time():.3f}\t{message_id}\t{' '.join(recipients)}\n".encode())


class Handler:
    def __init__(self, books: Books, wait: tuple[float, float]):
        self.books, self.wait = books, wait
        self.done: set[tuple[str, Order]] = set()
        self.sessions: set[Server] = set()

    def take(self, recipient: str, stage: str) -> Order | None:
        """The order for this stage, unless it was carried out before."""
        for order in orders.of(recipient):
            if order.stage == stage and (recipient, order) not in self.done:
                if not order.is_for_good:
                    self.done.add((recipient, order))
                return order
        return None

    async def handle_RCPT(self, server, session, envelope, address, options):
        first = envelope.rcpt_tos[0] if envelope.rcpt_tos else ""
        order = self.take(first, "journal") if first and is_journal(address) else self.take(address, "rcpt")
        if order:
            return await server.carry_out(order)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        order = self.take(envelope.rcpt_tos[0], "dot")
        if order is None or order.what.endswith("-kept"):
            self.books.accept(envelope.rcpt_tos, envelope.content)
        if order:
            return await server.carry_out(order)
        await asyncio.sleep(random.uniform(*self.wait))
        return f"250 queued as {self.books.count}"


class Server(SMTP):
    def connection_made(self, transport):
        self.event_handler.sessions.add(self)
        super().connection_made(transport)

    def connection_lost(self, error):
        self.event_handler.sessions.discard(self)
        super().connection_lost(error)

    async def smtp_DATA(self, arg):
        order = self.event_handler.take(self.envelope.rcpt_tos[0], "data") if self.envelope.rcpt_tos else None
        if order is None:
            await super().smtp_DATA(arg)
        else:
            await self.push(await self.carry_out(order))

    async def carry_out(self, order: Order) -> str:
        kind = order.what.partition("-")[0]
        if kind == "silence":
            await asyncio.sleep(SILENT_SECONDS)
        if kind in ("silence", "reset") and self.transport is not None:
            self.transport.abort()
        if kind == "421" and self.transport is not None:
            self.loop.call_later(0.05, self.transport.close)
        return REPLIES.get(kind, "421 gone")


class Door:
    """Listens, or does not."""

    def __init__(self, handler: Handler, port: int):
        self.handler, self.port = handler, port
        self.server: asyncio.Server | None = None

    async def open(self) -> None:
        if self.server is None:
            loop = asyncio.get_running_loop()
            self.server = await loop.create_server(self._session, "127.0.0.1", self.port, backlog=128)

    def _session(self) -> Server:
        return Server(self.handler, hostname="sink.example", ident="sink", timeout=300)

    async def shut(self) -> None:
        """Refuse connections, and reset existing ones."""
        if self.server is not None:
            self.server.close()
            self.server = None
        for session in list(self.handler.sessions):
            if session.transport is not None:
                session.transport.abort()

    async def listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One word per connection: open or shut."""
        word = (await reader.readline()).decode().strip()
        await (self.open() if word == "open" else self.shut())
        writer.write(b"done\n")
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()


async def serve(folder: Path, port: int, wait: tuple[float, float]) -> None:
    door = Door(Handler(Books(folder), wait), port)
    await door.open()
    await asyncio.start_unix_server(door.listen, str(folder / "sink.socket"))
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--wait", default="30-100", help="milliseconds between accepting and saying so")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    random.seed(given.seed)
    low, _dash, high = given.wait.partition("-")
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    asyncio.run(serve(given.folder, given.port, (int(low) / 1000, int(high or low) / 1000)))


if __name__ == "__main__":
    main()
