"""An object storage, with a stub that keeps what is put into it and refuses what nobody has signed."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages

from crm.core.base.errors import ServiceError
from crm.core.base.principals import SYSTEM
from crm.core.files import s3
from crm.core.files.downloads import attachment
from crm.core.files.models import StoredFile
from crm.core.files.services import delete_files, read_bytes, store_bytes
from crm.settings import files_storage

pytestmark = pytest.mark.django_db


class Bucket(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def _answer(self, status, body=b"", length=None):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def _is_signed(self):
        return "AWS4-HMAC-SHA256 Credential=KEY/" in self.headers.get("Authorization", "")

    def _body(self):
        """As it was sent: the library sends it in signed pieces where it does not trust the line."""
        return self.rfile.read(int(self.headers["Content-Length"]))

    def do_PUT(self):
        data = self._body()
        if not self._is_signed():
            return self._answer(403)
        self.server.kept[self.path] = data
        return self._answer(200)

    def do_GET(self):
        if not self._is_signed():
            return self._answer(403)
        if self.path not in self.server.kept:
            return self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        return self._answer(200, self.server.kept[self.path])

    def do_HEAD(self):
        known = self.path in self.server.kept
        self._answer(200 if known else 404, length=len(self.server.kept.get(self.path, b"")))

    def do_DELETE(self):
        self.server.kept.pop(self.path, None)
        self._answer(204)


@contextmanager
def bucket(settings):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    server.kept = {}
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    url = f"s3://KEY:SE%2FCRET@Files/rapport?region=eu-north-1&endpoint=http://127.0.0.1:{server.server_port}"
    settings.STORAGES = settings.STORAGES | {"default": files_storage(url)}
    try:
        yield server.kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def test_a_file_goes_to_the_bucket_and_comes_back(settings, django_capture_on_commit_callbacks):
    with bucket(settings) as kept:
        stored = store_bytes(SYSTEM, name="a.pdf", data=b"%PDF-1.4 x" * 1000, content_type="application/pdf")
        assert list(kept) == [f"/Files/rapport/{stored.path}"]
        assert read_bytes(stored) == b"%PDF-1.4 x" * 1000
        assert b"".join(attachment(stored).streaming_content) == read_bytes(stored)
        with django_capture_on_commit_callbacks(execute=True):
            delete_files(StoredFile.objects.filter(pk=stored.pk))
        assert kept == {} and not StoredFile.objects.exists()


def test_what_is_missing_and_what_goes_wrong_are_told_apart(settings):
    with bucket(settings):
        storage = storages["default"]
        assert isinstance(storage, s3.Storage)
        assert not storage.exists("none")
        storage.save("one", ContentFile(b"1"))
        assert storage.exists("one") and storage.size("one") == 1
        with pytest.raises(FileNotFoundError):
            storage.open("none")


def test_a_bucket_that_is_away_is_said_in_words(settings, monkeypatch):
    with bucket(settings):
        pass
    monkeypatch.setattr(s3, "CONNECT_SECONDS", 0.2)
    with pytest.raises(ServiceError) as refused:
        store_bytes(SYSTEM, name="a.pdf", data=b"x")
    assert refused.value.code == "not_stored" and "could not be stored" in refused.value.message


def test_the_address_says_it_all():
    assert files_storage("s3://bucket")["OPTIONS"] == {"bucket": "bucket", "prefix": ""}
    assert files_storage("")["BACKEND"] == "django.core.files.storage.FileSystemStorage"
