"""The web server: gunicorn's processes, waitress's reading (docs/decisions/0011-web-server.md).

    gunicorn crm.wsgi --worker-class crm.web.Worker --workers 2 --threads 4

One thread of each process reads all requests and writes all responses, without waiting for any connection; the other
threads only compute. So idle connections and half-sent requests block nobody. That thread also answers by itself:

- /healthz, whatever the load;
- 503 with Retry-After to a request that would wait, or has waited, longer than `PATIENCE` behind more than `ROOM` others;
- 413 as soon as it is known that a body is too large, before it is read: strangers may send little.
"""

import contextlib
import copy
import os
import sys
import time
from collections import deque

from django.conf import settings
from gunicorn.workers import base
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer, UnixWSGIServer
from waitress.task import ThreadedTaskDispatcher
from waitress.utilities import Error, RequestEntityTooLarge

ROOM = 6  # requests that may always wait for a thread: as many as a browser sends at once
PATIENCE, LONGEST = 0.7, 5.0  # seconds a request may wait behind more than those; and at most
LOOK_EVERY = 0.2  # seconds, at most, between checks for requests that have waited too long
RETRY_AFTER = 5
# To send a request: its head, its body, and a second for so many bytes.
HEADER_SECONDS, BODY_SECONDS, SLOWEST_LINE = 10, 20, 20_000
IDLE_SECONDS = 75  # longer than proxies keep a connection (nginx: 60), so that the proxy closes it
CONNECTIONS = 2000
STRANGER_BYTES = 256 * 1024
# Where files are uploaded, and the setting with their maximum size.
UPLOADS = {
    "/imports/": "IMPORT_MAX_BYTES",
    "/documents/": "DOCUMENT_MAX_BYTES",
    "/api/v1/documents": "DOCUMENT_MAX_BYTES",
    "/settings/data/": "ARCHIVE_MAX_BYTES",
}
FIRST = ("/readyz", "/metrics")  # requested by machines; never answered with 503
SWITCH_SECONDS = 0.001  # how often the reading thread gets its turn

BUSY_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="refresh" content="5">
<title>Rapport is busy</title>
<h1>Rapport is busy</h1>
<p>More people are asking at once than it can answer. This page tries again in five seconds.</p>
</html>
"""
BUSY_JSON = (
    '{"code": "busy", "message": "More is asked at once than can be answered. Try again in 5 seconds.", "fields": {}}'
)
PLAIN = [
    ("Content-Type", "text/plain; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
]


class Alive(Error):
    code, reason = 200, "OK"

    def __init__(self):
        super().__init__("ok\n")

    def to_response(self, ident=None):
        return "200 OK", PLAIN, b"ok\n"


class Busy(Error):
    code, reason = 503, "Service Unavailable"

    def __init__(self, path: str):
        super().__init__(BUSY_JSON if path.startswith("/api/") else BUSY_PAGE)

    def to_response(self, ident=None):
        kind = "application/json" if self.body.startswith("{") else "text/html; charset=utf-8"
        return (
            "503 Service Unavailable",
            [("Content-Type", kind), *PLAIN[1:], ("Retry-After", str(RETRY_AFTER))],
            self.body.encode(),
        )


class TooLarge(RequestEntityTooLarge):
    def to_response(self, ident=None):
        return "413 Request Entity Too Large", PLAIN, f"{self.body}\n".encode()


class Parser(HTTPRequestParser):
    """Knows how much it may read after reading the head."""

    def parse_header(self, header_plus):
        super().parse_header(header_plus)
        limit = self._limit()
        self.adj = copy.copy(self.adj)
        self.adj.max_request_body_size = limit + 1
        if self.content_length > limit:
            self.expect_continue = False  # refused

    def received(self, data):
        consumed = super().received(data)
        if isinstance(self.error, RequestEntityTooLarge):
            self.error = TooLarge(f"A request to this address may have {self.adj.max_request_body_size - 1} bytes.")
        return consumed

    def _limit(self) -> int:
        if not self.headers.get("AUTHORIZATION") and settings.SESSION_COOKIE_NAME not in self.headers.get("COOKIE", ""):
            return STRANGER_BYTES
        named = next((setting for begin, setting in UPLOADS.items() if self.path.startswith(begin)), "")
        return max(getattr(settings, named, 0), settings.DATA_UPLOAD_MAX_MEMORY_SIZE) + 1024 * 1024


class Channel(HTTPChannel):
    """A connection. `since`: when the current request began, or the last one ended; `queued_at`: when it began to
    wait.
    """

    parser_class = Parser

    def __init__(self, *arguments, **named):
        self.since = self.queued_at = time.monotonic()
        super().__init__(*arguments, **named)

    def received(self, data):
        if self.request is None:
            self.since = time.monotonic()
        return super().received(data)

    def service(self):
        request, began = self.requests[0], time.monotonic()
        if not request.error and request.path not in FIRST and began - self.queued_at > LONGEST:
            request.error = Busy(request.path)
        super().service()
        self.since = time.monotonic()
        if not request.error:
            self.server.task_dispatcher.note(self.since - began)

    def answer(self, error: Error) -> None:
        """Answer the request that waits, from the thread that reads."""
        if self.requests and self.connected:
            self.requests[0].error = error
            self.service()

    def is_too_slow(self, now: float) -> bool:
        if self.requests:
            return False
        if self.request is None:
            return now - self.since > IDLE_SECONDS and not self.total_outbufs_len
        allowed = HEADER_SECONDS
        if self.request.headers_finished:
            allowed += BODY_SECONDS + self.request.body_bytes_received / SLOWEST_LINE
        return now - self.since > allowed


class Dispatcher(ThreadedTaskDispatcher):
    """Hands requests to the threads, and finds those that wait too long."""

    def __init__(self):
        super().__init__()
        self.at_once: deque[tuple[Channel, Error]] = deque()  # answers that the reading thread gives by itself
        self.seconds = 0.1  # seconds a request takes, on recent average

    def add_task(self, task):
        request = task.requests[0]
        task.queued_at = time.monotonic()
        if request.path == "/healthz" and not request.error:
            self.at_once.append((task, Alive()))
        elif not request.error and request.path not in FIRST and self.is_full():
            self.at_once.append((task, Busy(request.path)))
        else:
            with self.lock:
                (self.queue.appendleft if request.path in FIRST else self.queue.append)(task)
                self.queue_cv.notify()

    def is_full(self) -> bool:
        waiting = len(self.queue)
        return waiting >= ROOM and waiting * self.seconds / max(1, len(self.threads)) > PATIENCE

    def note(self, seconds: float) -> None:
        self.seconds += (min(seconds, 2.0) - self.seconds) * 0.05

    def waited_too_long(self, now: float) -> list[Channel]:
        found = []
        with self.lock:
            while self.queue and self.queue[0].requests[0].path not in FIRST:
                if now - self.queue[0].queued_at < (PATIENCE if len(self.queue) > ROOM else LONGEST):
                    break
                found.append(self.queue.popleft())
        return found


class Worker(base.Worker):
    """A gunicorn process. It stops in order: accepts no more connections, answers its requests, then exits."""

    def run(self):
        sys.setswitchinterval(SWITCH_SECONDS)
        self.dispatcher, self.map = Dispatcher(), {}
        self.dispatcher.set_thread_count(max(1, self.cfg.threads))
        adjustments = Adjustments(
            sockets=[one.sock for one in self.sockets],
            threads=self.cfg.threads,
            connection_limit=CONNECTIONS,
            max_request_header_size=64 * 1024,
            clear_untrusted_proxy_headers=False,  # crm.core.middleware reads them, behind a proxy only
            ident=None,
            log_socket_errors=False,
            asyncore_use_poll=True,
        )
        listeners = [self._listener(one.sock, adjustments) for one in self.sockets]
        while self.alive and self.ppid == os.getppid():
            self._turn(listeners)
        for listener in listeners:
            listener.accepting = False
            listener.del_channel()
        until = time.monotonic() + self.cfg.graceful_timeout
        while time.monotonic() < until and any(self._is_busy(listener) for listener in listeners):
            self._turn(listeners)
        self.dispatcher.shutdown(timeout=1)

    def _listener(self, sock, adjustments):
        unix = not isinstance(sock.getsockname(), tuple)
        kind = UnixWSGIServer if unix else TcpWSGIServer
        info = (sock.family, sock.type, sock.proto, sock.getsockname())
        sock.setblocking(False)
        listener = kind(
            self.wsgi,
            self.map,
            True,
            sock,
            dispatcher=self.dispatcher,
            adj=adjustments,
            sockinfo=info,
            bind_socket=False,
        )
        listener.channel_class = Channel
        listener.maintenance = lambda now: None
        return listener

    def _turn(self, listeners) -> None:
        """Read and write what is ready, then answer what needs no thread."""
        wasyncore.poll2(0.0 if self.dispatcher.at_once else LOOK_EVERY, self.map)
        while self.dispatcher.at_once:
            channel, error = self.dispatcher.at_once.popleft()
            channel.answer(error)
        now = time.monotonic()
        for channel in self.dispatcher.waited_too_long(now):
            channel.answer(Busy(channel.requests[0].path))
        if now - getattr(self, "_looked_at", 0.0) > 1:
            self._looked_at = now
            self.notify()
            self._close_slow(listeners, now)

    def _close_slow(self, listeners, now: float) -> None:
        for listener in listeners:
            channels = list(listener.active_channels.values())
            for channel in channels:
                if channel.is_too_slow(now):
                    channel.will_close = True
            if len(channels) > CONNECTIONS * 0.9:  # make room: close the connections idle for longest
                idle = [one for one in channels if not one.requests and one.request is None]
                for channel in sorted(idle, key=lambda one: one.since)[: CONNECTIONS // 10]:
                    channel.will_close = True

    @staticmethod
    def _is_busy(listener) -> bool:
        return any(one.requests or one.total_outbufs_len for one in listener.active_channels.values())

    def handle_quit(self, sig, frame):
        self.alive = False
        with contextlib.suppress(Exception):
            self.cfg.worker_int(self)
        os._exit(0)
