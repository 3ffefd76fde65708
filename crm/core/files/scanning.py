"""The virus scanner: clamd over its socket, where CLAMD_URL names one.

A file is sent as a stream (INSTREAM), so that the scanner may run as another user or on another machine. Nothing passes unscanned
by mistake: a scanner that is away, or says anything but yes or no, is an error.
"""

import logging
import re
import socket
import struct
from contextlib import closing
from typing import IO
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from crm.core.base.errors import ServiceError

log = logging.getLogger(__name__)
CONNECT_SECONDS, ANSWER_SECONDS = 3, 60
CHUNK = 64 * 1024
LONGEST_ANSWER = 4096
FOUND = re.compile(r"stream: (.+) FOUND")


class ScannerError(Exception):
    """Nobody knows whether the file is clean."""


def is_on() -> bool:
    return bool(settings.CLAMD_URL)


def check_clean(file: IO[bytes], *, name: str) -> None:
    """Raises ServiceError (field "file") for a file in which something was found, and for one that could not be scanned. Does
    nothing where no scanner is set. Leaves the file at its beginning."""
    if not is_on():
        return
    try:
        found = scan(file)
    except ScannerError as error:
        log.error("a file was refused because it could not be scanned: %s", error)
        text = _("The virus scanner did not answer, so “%(name)s” was not uploaded. Try again later, or ask an admin.")
        if "size limit" in str(error):
            text = _("“%(name)s” was not uploaded: the virus scanner takes no file of this size. Ask an admin.")
        raise ServiceError(text % {"name": name}, field="file", code="not_scanned") from error
    if found:
        log.warning("a file was refused: %s", found)
        text = _("“%(name)s” was refused: the virus scanner found %(found)s in it.") % {"name": name, "found": found}
        raise ServiceError(text, field="file", code="infected")


def scan(file: IO[bytes]) -> str:
    """What was found in the file, "" for nothing. Raises ScannerError."""
    file.seek(0)
    answer = _ask(b"zINSTREAM\0", file)
    file.seek(0)
    if answer == "stream: OK":
        return ""
    if match := FOUND.fullmatch(answer):
        return match[1]
    raise ScannerError(answer or "no answer")


def is_there() -> bool:
    """Whether the scanner answers."""
    try:
        return _ask(b"zPING\0") == "PONG"
    except ScannerError:
        return False


def _ask(command: bytes, file: IO[bytes] | None = None) -> str:
    try:
        with closing(_connect()) as connection:
            connection.sendall(command)
            if file is not None:
                _send(connection, file)
            return _answer(connection)
    except OSError as error:
        raise ScannerError(f"{type(error).__name__}: {error}") from error


def _connect() -> socket.socket:
    parts = urlsplit(settings.CLAMD_URL)
    if parts.scheme == "unix":
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(CONNECT_SECONDS)
        try:
            connection.connect(parts.path)
        except OSError:
            connection.close()
            raise
    else:
        connection = socket.create_connection((parts.hostname, parts.port), CONNECT_SECONDS)
    connection.settimeout(ANSWER_SECONDS)
    return connection


def _send(connection: socket.socket, file: IO[bytes]) -> None:
    """Each piece with its length before it; a length of nothing ends the stream. A scanner that has heard enough (the file is larger
    than its StreamMaxLength) closes the line, and its answer says so."""
    try:
        while piece := file.read(CHUNK):
            connection.sendall(struct.pack("!I", len(piece)) + piece)
        connection.sendall(struct.pack("!I", 0))
    except (BrokenPipeError, ConnectionResetError):
        pass


def _answer(connection: socket.socket) -> str:
    heard = b""
    while b"\0" not in heard and len(heard) < LONGEST_ANSWER:
        piece = connection.recv(LONGEST_ANSWER)
        if not piece:
            break
        heard += piece
    return heard.partition(b"\0")[0].decode("utf-8", "replace").strip()
