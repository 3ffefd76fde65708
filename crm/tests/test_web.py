"""The web server reads without holding a worker, says at once what it will not read, and refuses what it cannot do."""

import os
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, closing, contextmanager
from types import SimpleNamespace

import pytest
from waitress.adjustments import Adjustments

from crm import web
from tools.embedded.postgres import free_port
from tools.launcher.serve import ROOT
from tools.launcher.serve import web as command

GET = b"GET %s HTTP/1.1\r\nHost: h\r\n\r\n"
HALF = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nab"


@contextmanager
def serving(tmp_path, *, threads=1):
    """(port, function that lets `/held` go on) of one process of the real server."""
    port, release = free_port(), tmp_path / "release"
    words = [w.replace("crm.wsgi", "crm.tests.blocking_app") for w in command(f"127.0.0.1:{port}", 1, threads)]
    environment = os.environ | {"RAPPORT_TEST_RELEASE": str(release)}
    process = subprocess.Popen([sys.executable, "-m", *words], env=environment, cwd=ROOT)
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert process.poll() is None
                time.sleep(0.05)
        yield port, release.touch
    finally:
        release.touch()
        process.terminate()
        process.wait(30)


def send(port: int, data: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), 30)
    connection.sendall(data)
    return connection


def answer_of(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    with closing(connection), connection.makefile("rb") as file:
        status = int(file.readline().split()[1])
        headers = {}
        while line := file.readline().strip().decode():
            name, _colon, value = line.partition(": ")
            headers[name.lower()] = value
        return status, headers, file.read(int(headers["content-length"]))


def test_idle_and_half_sent_connections_hold_nobody_up(tmp_path):
    with serving(tmp_path) as (port, _release), ExitStack() as held:
        for text in [b""] * 200 + [HALF] * 50 + [HALF[:30]] * 20:
            held.enter_context(closing(send(port, text)))
        assert answer_of(send(port, GET % b"/healthz"))[0] == 200
        assert answer_of(send(port, GET % b"/page"))[0] == 200


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(tmp_path):
    head = b"POST %s HTTP/1.1\r\nHost: h\r\n%s\r\n"
    known = b"Cookie: sessionid=abc\r\nExpect: 100-continue\r\n"
    with serving(tmp_path) as (port, _release):
        for path, more in (
            (b"/accounts/login/", b"Content-Length: 150000000\r\n"),
            (b"/accounts/login/", b"Expect: 100-continue\r\nContent-Length: 300000\r\n"),
            (b"/clients/", known + b"Content-Length: 20000000\r\n"),
            (b"/imports/new/", known + b"Content-Length: 150000000\r\n"),
            (b"/documents/upload/1/", known + b"Content-Length: 28000000\r\n"),
            (b"/api/v1/documents", known + b"Content-Length: 28000000\r\n"),
            (b"/settings/data/", known + b"Content-Length: 2200000000\r\n"),
        ):
            assert answer_of(send(port, head % (path, more)))[0] == 413, (path, more)
        chunk = b"%x\r\n%s\r\n" % (200_000, b"x" * 200_000)
        chunked = send(port, head % (b"/accounts/login/", b"Transfer-Encoding: chunked\r\n") + chunk)
        chunked.sendall(chunk)
        assert answer_of(chunked)[0] == 413
        for path in (b"/imports/new/", b"/settings/data/"):
            upload = head % (path, b"Cookie: sessionid=abc\r\nContent-Length: 7000000\r\n")
            assert answer_of(send(port, upload + b"x" * 7_000_000))[2] == b"7000000", path


def test_beyond_capacity_it_says_so_and_stays_alive(tmp_path):
    with serving(tmp_path) as (port, release):
        waiting = [send(port, GET % b"/held") for _n in range(12)]
        refused = [answer_of(send(port, GET % path)) for path in (b"/held", b"/api/v1/clients/")]
        for status, headers, _body in refused:
            assert status == 503 and int(headers["retry-after"]) > 0
        assert refused[0][2].startswith(b"<!doctype html>") and refused[1][2].startswith(b'{"code": "busy"')
        assert answer_of(send(port, GET % b"/healthz"))[0] == 200
        ready = send(port, GET % b"/readyz")  # waits for a thread, but is never refused
        release()
        assert answer_of(ready)[0] == 200
        answers = [answer_of(one)[0] for one in waiting]
        assert set(answers) == {200, 503} and answers[0] == 200


@pytest.mark.parametrize(
    ("sent", "seconds", "is_over"),
    [
        (b"", web.IDLE_SECONDS - 1, False),
        (b"", web.IDLE_SECONDS + 1, True),
        (b"GET / HTT", web.HEADER_SECONDS - 1, False),
        (b"GET / HTT", web.HEADER_SECONDS + 1, True),
        (HALF, web.HEADER_SECONDS + 1, False),
        (HALF, web.HEADER_SECONDS + web.BODY_SECONDS + 1, True),
    ],
)
def test_a_request_has_to_be_sent_in_its_time(sent, seconds, is_over):
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        server = SimpleNamespace(active_channels={}, add_task=lambda channel: None)
        channel = web.Channel(server, ours, ("127.0.0.1", 1), Adjustments(), map={})
        channel.received(sent)
        assert channel.is_too_slow(channel.since + seconds) is is_over
