"""A file is what its bytes say: names that promise something else are refused, and names are cleaned before they are given out."""

import pytest
from django.core.files.base import ContentFile

from crm.core.base.errors import ServiceError
from crm.core.files.contents import check_name, clean_name, ending_of, format_of
from crm.core.files.services import receive
from tools.testing.factories.documents import MOST, PDF, PNG, zipped

OLE = bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600
EXE = b"MZ\x90\0" + b"\0" * 200
DOCX = zipped("[Content_Types].xml", "word/document.xml")
XLSX = zipped("[Content_Types].xml", "xl/workbook.xml")
ODT = zipped("content.xml", mimetype="application/vnd.oasis.opendocument.text")


def seen(data: bytes) -> str:
    return format_of(ContentFile(data)).key


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (PDF, "pdf"),
        (b"\r\n\r\n%PDF-1.7\n", "pdf"),
        (PNG, "png"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "jpeg"),
        (b"GIF89a\1\0\1\0", "gif"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "webp"),
        (b"II*\0\x08\0\0\0", "tiff"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "heic"),
        (DOCX, "docx"),
        (XLSX, "xlsx"),
        (zipped("[Content_Types].xml", "ppt/presentation.xml"), "pptx"),
        (ODT, "odt"),
        (zipped("a.txt"), "zip"),
        (b"PK\x03\x04 and then nothing of an archive", "zip"),
        (OLE, "ole"),
        (rb"{\rtf1\ansi", "rtf"),
        (EXE, "program"),
        (b"\x7fELF\x02\x01\x01", "program"),
        (b"MZ this one says %PDF-1.4 too", "program"),
        (b"  <!DOCTYPE html><script>alert(1)</script>", "html"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><svg/>", "xml"),
        ("Grüße, 12 €".encode(), "text"),
        ("Grüße".encode("latin-1"), "text"),
        ("Grüße".encode("utf-16"), "text"),
        (b"\0\1\2\3", "other"),
    ],
)
def test_the_content_says_what_a_file_is(data, key):
    assert seen(data) == key


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.PDF", PDF),
        ("a.docx", DOCX),
        ("a.docx", OLE),  # with a password
        ("a.doc", rb"{\rtf1"),
        ("a.xls", OLE),
        ("a.zip", DOCX),
        ("a.csv", b"a;b\n1;2\n"),
        ("a.txt", b"<?xml version='1.0'?>"),
        ("a", PDF),
        ("letter of 1.2.2026", PDF),
        ("a.dwg", b"AC1032\0\0"),
        ("a.html", b"<html>"),
    ],
)
def test_a_name_that_keeps_its_promise_is_taken(name, data):
    receive(ContentFile(data, name=name), most=MOST)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("passport.pdf", EXE, "“passport.pdf” is a program"),
        ("setup.exe", EXE, "“setup.exe” is a program"),
        ("passport.pdf", b"<html><script>", "“passport.pdf” is not a PDF. Its content is a web page."),
        ("passport.pdf", PNG, "is not a PDF. Its content is a PNG image."),
        ("scan.png", PDF, "is not a PNG image. Its content is a PDF."),
        ("letter.docx", zipped("a.exe"), "is not a Word document. Its content is a ZIP archive."),
        ("letter.docx", XLSX, "is not a Word document. Its content is an Excel workbook."),
        ("list.csv", PDF, "is not plain text. Its content is a PDF."),
        ("passport.pdf", b"\0\0\0\0", "is not a PDF. The file may be damaged"),
        ("passport.pdf", b"", "“passport.pdf” is empty."),
        ("passport.pdf", PDF * 30, "“passport.pdf” is 1.4\xa0KB. A file may have up to 1.0\xa0KB."),
    ],
)
def test_a_name_that_promises_something_else_is_refused(name, data, said):
    with pytest.raises(ServiceError) as refused:
        receive(ContentFile(data, name=name), most=1024)
    assert said in refused.value.message and refused.value.field == "file"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\Elina\\Contract (2).pdf", "Contract (2).pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),  # shown from right to left it would end in “pdf”
        ("a\0b\r\nSet-Cookie: x.pdf", "abSet-Cookie: x.pdf"),
        ('say "hello".pdf', "say 'hello'.pdf"),
        ("  .hidden  ", "hidden"),
        ("...", "file"),
        ("", "file"),
    ],
)
def test_names_are_clean(given, kept):
    assert clean_name(given) == kept


def test_a_long_name_keeps_its_ending():
    kept = clean_name("x" * 500 + ".pdf")
    assert len(kept) == 120 and kept.endswith("xxx.pdf")


def test_what_browsers_draw_gets_the_ending_that_its_name_lacks():
    assert clean_name("scan", format_of(ContentFile(PDF))) == "scan.pdf"
    assert clean_name("scan", format_of(ContentFile(b"\xff\xd8\xff"))) == "scan.jpg"
    assert clean_name("notes", format_of(ContentFile(b"text"))) == "notes"


def test_only_a_short_ending_is_one():
    assert [ending_of(name) for name in ("a.PDF", "a", ".pdf", "of 1.2.2026", "a.tar.gz", "a.b c")] == [
        ".pdf",
        "",
        "",
        ".2026",
        ".gz",
        "",
    ]
    check_name("of 1.2.2026", format_of(ContentFile(PDF)))


def test_a_file_stays_at_its_beginning():
    file = ContentFile(DOCX)
    format_of(file)
    assert file.tell() == 0
