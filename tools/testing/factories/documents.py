"""Documents as tests make them: real files, small, of the kinds that people bring."""

from datetime import UTC, datetime
from io import BytesIO
from zipfile import ZipFile

from django.core.files.base import ContentFile

from clients.documents.services import add_document
from crm.core.base.principals import acting
from crm.core.files.services import receive

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
MOST = 25 * 1024 * 1024
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b550000000a494441"
    "54789c636800000082008177cd72b60000000049454e44ae426082"
)
EICAR = (
    rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
)  # the scanners' own test file, in two halves


def upload(name="letter.pdf", data=PDF) -> ContentFile:
    return ContentFile(data, name=name)


def received(name="letter.pdf", data=PDF):
    return receive(upload(name, data), most=MOST)


def zipped(*names: str, mimetype: str = "") -> bytes:
    """An archive with these files in it, such as an Office document has."""
    made = BytesIO()
    with ZipFile(made, "w") as archive:
        if mimetype:
            archive.writestr("mimetype", mimetype)
        for name in names:
            archive.writestr(name, "x")
    return made.getvalue()


def make_document(*, actor, client, name="letter.pdf", data=PDF, now=NOW, **fields):
    return add_document(acting(actor), client=client, received=received(name, data), now=now, **fields)
