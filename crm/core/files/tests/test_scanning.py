"""The virus scanner, with a stub of clamd that speaks its protocol over a real socket."""

import socket
import struct
import threading
from contextlib import closing, contextmanager

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from crm.core.base.errors import ServiceError
from crm.core.files import scanning
from crm.core.files.models import StoredFile
from crm.core.files.services import receive
from crm.core.status import health
from tools.testing.factories.documents import EICAR, MOST, PDF, received


class Stub:
    """As clamd: PING, and INSTREAM, which finds the test file wherever it stands. `says` answers everything with something else."""

    def __init__(self, listener, says: bytes | None = None, most: int = 10**9):
        self.listener, self.says, self.most, self.heard = listener, says, most, b""

    def serve(self):
        while True:
            try:
                connection, _who = self.listener.accept()
            except OSError:
                return
            with closing(connection), connection.makefile("rb") as file:
                self._answer(connection, file)

    def _answer(self, connection, file):
        command = b""
        while not command.endswith(b"\0"):
            command += file.read(1)
        if command == b"zPING\0":
            return connection.sendall(self.says or b"PONG\0")
        assert command == b"zINSTREAM\0"
        self.heard = b""
        while length := struct.unpack("!I", file.read(4))[0]:
            self.heard += file.read(length)
            if len(self.heard) > self.most:
                return connection.sendall(b"INSTREAM size limit exceeded. ERROR\0")
        found = b"stream: Eicar-Test-Signature FOUND\0" if EICAR in self.heard else b"stream: OK\0"
        return connection.sendall(found if self.says is None else self.says)


@contextmanager
def clamd(settings, family=socket.AF_INET, address=("127.0.0.1", 0), **options):
    with closing(socket.socket(family, socket.SOCK_STREAM)) as listener:
        listener.bind(address)
        listener.listen()
        is_unix = family == socket.AF_UNIX
        settings.CLAMD_URL = f"unix:{address}" if is_unix else "tcp://{}:{}".format(*listener.getsockname())
        stub = Stub(listener, **options)
        thread = threading.Thread(target=stub.serve, daemon=True)
        thread.start()
        yield stub
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def test_a_clean_file_passes_and_is_heard_whole(settings):
    data = PDF + b"x" * 200_000
    with clamd(settings) as stub:
        found = receive(ContentFile(data, name="a.pdf"), most=MOST)
        assert found.file.read() == data
        assert scanning.is_there()
    assert stub.heard == data


def test_the_test_file_of_the_scanners_is_refused_and_nothing_is_kept(settings, db):
    with clamd(settings), pytest.raises(ServiceError) as refused:
        receive(ContentFile(EICAR, name="eicar.txt"), most=MOST)
    assert refused.value.code == "infected"
    assert refused.value.message == ("“eicar.txt” was refused: the virus scanner found Eicar-Test-Signature in it.")
    assert not StoredFile.objects.exists()


def test_over_a_socket_of_the_machine(settings, tmp_path):
    with clamd(settings, socket.AF_UNIX, str(tmp_path / "clamd.ctl")), pytest.raises(ServiceError, match="Eicar"):
        received(data=PDF + EICAR)


@pytest.mark.parametrize("says", [b"", b"UNKNOWN COMMAND\0", b"stream: OKAY\0", b"\0"])
def test_a_scanner_that_says_neither_yes_nor_no_stops_the_upload(settings, says):
    with clamd(settings, says=says), pytest.raises(ServiceError) as refused:
        received()
    assert refused.value.code == "not_scanned" and "did not answer" in refused.value.message


def test_a_file_the_scanner_does_not_take_whole_is_refused(settings):
    with clamd(settings, most=100_000), pytest.raises(ServiceError) as refused:
        received(data=PDF + b"x" * 5_000_000)
    assert refused.value.code == "not_scanned" and "takes no file of this size" in refused.value.message


@pytest.mark.parametrize("url", ["unix:/nowhere/clamd.ctl", "tcp://127.0.0.1:1"])
def test_without_its_scanner_nothing_is_taken(settings, url):
    settings.CLAMD_URL = url
    with pytest.raises(ServiceError) as refused:
        received()
    assert refused.value.code == "not_scanned" and "ask an admin" in refused.value.message
    assert not scanning.is_there()


def test_where_none_is_set_nothing_is_scanned():
    assert not scanning.is_on()
    received(data=PDF + EICAR)


@pytest.mark.django_db
def test_the_state_of_the_scanner_is_told(settings):
    def told():
        return [(one.is_good, one.text, one.is_vital) for one in health.look(timezone.now()) if "scanner" in one.name]

    assert told() == []
    with clamd(settings):
        assert told() == [(True, "ok", False)]
    settings.CLAMD_URL = "unix:/nowhere/clamd.ctl"
    assert told() == [(False, "does not answer; no document can be uploaded", False)]
