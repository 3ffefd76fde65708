"""Users who click: many at once, each every eight seconds, and one login per second. `manage.py bench --users`.

The generator is a process of its own without Django: one thread, plain sockets, its orders as JSON on stdin and its report on stdout.
It reports its own cost, because on a small machine it competes with the server.
"""

import asyncio
import json
import os
import random
import resource
import subprocess
import sys
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode

EVERY, LOGIN_EVERY, HEALTH_EVERY = 8.0, 1.0, 0.5
PATIENCE = 30.0  # seconds until a person gives up
MIX = {  # of the clicks
    "client page": 30,
    "today": 25,
    "client list": 20,
    "follow-ups": 10,
    "logging an interaction": 5,
    "contacts": 5,
    "onboarding plans": 5,
}


@dataclass
class Wire:
    """One browser: a kept-alive connection, and its responses."""

    port: int
    cookies: str = ""
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None

    async def ask(self, path: str, form: str | None = None, headers: str = "") -> tuple[int, dict[str, str], bytes]:
        """(status, headers, body); on a new connection if the old one was closed."""
        head = f"{'GET' if form is None else 'POST'} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAccept: text/html\r\n"
        head += f"Cookie: {self.cookies}\r\n{headers}"
        if form is not None:
            head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n"
        request = f"{head}\r\n{form or ''}".encode()
        was_open = self.writer is not None
        try:
            return await self._exchange(request)
        except (OSError, asyncio.IncompleteReadError):
            await self.close()
            if not was_open:
                raise
            return await self._exchange(request)

    async def _exchange(self, request: bytes) -> tuple[int, dict[str, str], bytes]:
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        assert self.reader is not None
        self.writer.write(request)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        lines = [line.partition(": ") for line in head[1:] if line]
        found = {name.lower(): value for name, _colon, value in lines if name.lower() != "set-cookie"}
        found["set-cookie"] = "; ".join(v.partition(";")[0] for name, _c, v in lines if name.lower() == "set-cookie")
        body = await self.reader.readexactly(int(found.get("content-length", 0)))
        if found.get("connection") == "close":
            await self.close()
        return int(head[0].split()[1]), found, body

    async def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


@dataclass
class Seen:
    answers: dict[str, list[float]] = field(default_factory=dict)  # milliseconds by what came
    late: float = 0.0  # by how much the generator itself was late at worst, in milliseconds

    def note(self, what: str, began: float) -> None:
        self.answers.setdefault(what, []).append((time.monotonic() - began) * 1000)


async def timed(seen: Seen, group: str, work) -> None:
    began = time.monotonic()
    try:
        status = await asyncio.wait_for(work, PATIENCE)
        seen.note(f"{group} {status}", began)
    except TimeoutError:
        seen.note(f"{group} gave up", began)
    except (OSError, asyncio.IncompleteReadError, ValueError) as error:
        seen.note(f"{group} {type(error).__name__}", began)


async def person(order: dict, number: int, seen: Seen, until: float) -> None:
    chance = random.Random(number)
    cookie = order["cookies"][number % len(order["cookies"])]
    wire = Wire(order["port"], cookie)
    names, weights = list(MIX), list(MIX.values())
    at = time.monotonic() + chance.uniform(0, EVERY)
    turn = number

    async def click() -> int:
        pages = order["pages"][chance.choices(names, weights)[0]]
        page = pages[turn % len(pages)]
        wire.cookies = order["cookies"][page["who"]]
        extra = f"X-CSRFToken: {order['csrf']}\r\nHX-Request: true\r\n" if page["form"] is not None else ""
        return (await wire.ask(page["path"], page["form"], extra))[0]

    while at < until:
        await asyncio.sleep(max(0.0, at - time.monotonic()))
        seen.late = max(seen.late, (time.monotonic() - at) * 1000)
        await timed(seen, "page", click())
        turn += 37
        at = max(at + chance.uniform(0.5, 1.5) * EVERY, time.monotonic())
    await wire.close()


async def log_in(order: dict) -> int:
    """As a browser does: the page, then the form. 302 is a login."""
    wire = Wire(order["port"])
    status, found, _body = await wire.ask("/accounts/login/")
    if status == 200:
        wire.cookies = found["set-cookie"]
        token = wire.cookies.partition("csrftoken=")[2].partition(";")[0]
        form = urlencode(order["login"] | {"csrfmiddlewaretoken": token})
        status, _found, _body = await wire.ask("/accounts/login/", form)
    await wire.close()
    return status


async def healthz(order: dict) -> int:
    wire = Wire(order["port"])
    status, _found, _body = await wire.ask("/healthz")
    await wire.close()
    return status


async def repeat(seen: Seen, group: str, work, order: dict, every: float, until: float) -> None:
    running = []
    while time.monotonic() < until:
        running.append(asyncio.create_task(timed(seen, group, work(order))))
        await asyncio.sleep(every)
    await asyncio.gather(*running)


async def hold(order: dict) -> list:
    """Silent connections, and POSTs that stop in the middle. They are reopened when closed."""
    head = b"POST /accounts/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 500\r\n\r\nlogin="

    async def one(first: bytes) -> None:
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", order["port"])
                writer.write(first)
                await reader.read()
                writer.close()
            except OSError:
                pass
            await asyncio.sleep(0.2)

    texts = [b""] * order["idle"] + [head] * order["half_sent"]
    return [asyncio.create_task(one(text)) for text in texts]


async def run(order: dict) -> dict:
    seen = Seen()
    held = await hold(order)
    before = resource.getrusage(resource.RUSAGE_SELF)
    began = time.monotonic()
    until = began + order["seconds"]
    people = [person(order, number, seen, until) for number in range(order["people"])]
    others = [
        repeat(seen, "healthz", healthz, order, HEALTH_EVERY, until),
        repeat(seen, "login", log_in, order, LOGIN_EVERY, until),
    ]
    await asyncio.gather(*people, *others)
    for task in held:
        task.cancel()
    after = resource.getrusage(resource.RUSAGE_SELF)
    cost = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "people": order["people"],
        "seconds": round(time.monotonic() - began, 1),
        "answers": {name: summed_up(values) for name, values in sorted(seen.answers.items())},
        "generator": {"cpu_seconds": round(cost, 2), "late_ms_at_worst": round(seen.late, 1)},
    }


def summed_up(values: list[float]) -> dict:
    ordered = sorted(values)

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)

    return {"n": len(ordered), "median_ms": at(0.5), "p95_ms": at(0.95), "max_ms": round(ordered[-1], 1)}


def generate(order: dict) -> dict:
    """Run the generator in its own process."""
    answer = subprocess.run(
        [sys.executable, __file__],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ),
    )
    if answer.returncode:
        raise RuntimeError(f"The generator ended: {answer.stderr.strip()[-400:]}")
    return json.loads(answer.stdout)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(json.load(sys.stdin)))))
