"""What a file is, by its first bytes and never by its name alone, and the name it may have.

A name that promises something else than the content is refused: people open by the name, browsers by the content.
"""

import unicodedata
from dataclasses import dataclass
from typing import IO, Any
from zipfile import BadZipFile, ZipFile

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from crm.core.base.errors import ServiceError

HEAD = 4096  # bytes that are looked at
LONGEST_NAME = 120
PLAIN = "application/octet-stream"  # what is only ever downloaded


@dataclass(frozen=True)
class Format:
    """`label` completes “Its content is …”. `content_type` is what a browser is told, and what is kept of all this."""

    key: str
    label: Any
    content_type: str = PLAIN
    icon: str = ""


_FORMATS = (
    Format("pdf", _lazy("a PDF"), "application/pdf", "file-earmark-pdf"),
    Format("png", _lazy("a PNG image"), "image/png", "file-earmark-image"),
    Format("jpeg", _lazy("a JPEG image"), "image/jpeg", "file-earmark-image"),
    Format("gif", _lazy("a GIF image"), "image/gif", "file-earmark-image"),
    Format("webp", _lazy("a WebP image"), "image/webp", "file-earmark-image"),
    Format("tiff", _lazy("a TIFF image"), "image/tiff", "file-earmark-image"),
    Format("heic", _lazy("a HEIC image"), "image/heic", "file-earmark-image"),
    Format(
        "docx",
        _lazy("a Word document"),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "file-earmark-word",
    ),
    Format(
        "xlsx",
        _lazy("an Excel workbook"),
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "file-earmark-spreadsheet",
    ),
    Format(
        "pptx",
        _lazy("a PowerPoint presentation"),
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "file-earmark-slides",
    ),
    Format("odt", _lazy("an OpenDocument text"), "application/vnd.oasis.opendocument.text", "file-earmark-word"),
    Format(
        "ods",
        _lazy("an OpenDocument spreadsheet"),
        "application/vnd.oasis.opendocument.spreadsheet",
        "file-earmark-spreadsheet",
    ),
    Format(
        "odp",
        _lazy("an OpenDocument presentation"),
        "application/vnd.oasis.opendocument.presentation",
        "file-earmark-slides",
    ),
    Format("ole", _lazy("an older or encrypted Office file"), "application/x-ole-storage"),
    Format("rtf", _lazy("a rich text document"), "application/rtf", "file-earmark-word"),
    Format("zip", _lazy("a ZIP archive"), "application/zip", "file-earmark-zip"),
    Format("7z", _lazy("a 7z archive")),
    Format("rar", _lazy("a RAR archive")),
    Format("gzip", _lazy("a gzip archive"), "application/gzip", "file-earmark-zip"),
    Format("program", _lazy("a program")),
    Format("html", _lazy("a web page")),
    Format("xml", _lazy("an XML file")),
    Format("text", _lazy("plain text"), "text/plain; charset=utf-8", "file-earmark-text"),
    Format("other", _lazy("none that is known")),
)
FORMATS = {each.key: each for each in _FORMATS}
ICONS = {each.content_type: each.icon for each in _FORMATS if each.icon}
SHOWN = {FORMATS[key].content_type for key in ("pdf", "png", "jpeg", "gif", "webp")}  # browsers draw them by themselves

_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"MZ", "program"),
    (b"\x7fELF", "program"),
    (b"\xfe\xed\xfa\xce", "program"),
    (b"\xfe\xed\xfa\xcf", "program"),
    (b"\xce\xfa\xed\xfe", "program"),
    (b"\xcf\xfa\xed\xfe", "program"),
    (b"\xca\xfe\xba\xbe", "program"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"{\\rtf", "rtf"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
)
_ZIPPED = {"docx", "xlsx", "pptx", "odt", "ods", "odp", "zip"}
_WORDS = {"text", "xml", "html", "other"}
# What the content of a name's ending may be. A password makes an Office file an older one; Word writes RTF as .doc.
_ENDINGS: dict[str, tuple[str, set[str]]] = {
    ".pdf": ("pdf", {"pdf"}),
    ".png": ("png", {"png"}),
    ".gif": ("gif", {"gif"}),
    ".webp": ("webp", {"webp"}),
    ".rtf": ("rtf", {"rtf"}),
    ".zip": ("zip", _ZIPPED),
    ".7z": ("7z", {"7z"}),
    ".rar": ("rar", {"rar"}),
    ".gz": ("gzip", {"gzip"}),
    **dict.fromkeys((".jpg", ".jpeg", ".jfif"), ("jpeg", {"jpeg"})),
    **dict.fromkeys((".tif", ".tiff"), ("tiff", {"tiff"})),
    **dict.fromkeys((".heic", ".heif"), ("heic", {"heic"})),
    **dict.fromkeys((".docx", ".docm", ".dotx"), ("docx", {"docx", "ole"})),
    **dict.fromkeys((".xlsx", ".xlsm", ".xltx", ".xlsb"), ("xlsx", {"xlsx", "ole"})),
    **dict.fromkeys((".pptx", ".pptm", ".ppsx"), ("pptx", {"pptx", "ole"})),
    **{f".{key}": (key, {key}) for key in ("odt", "ods", "odp")},
    ".doc": ("docx", {"ole", "rtf", "docx"}),
    ".xls": ("xlsx", {"ole", "xlsx"}),
    ".ppt": ("pptx", {"ole", "pptx"}),
    ".msg": ("ole", {"ole"}),
    **dict.fromkeys((".txt", ".csv", ".tsv", ".md", ".eml", ".ics", ".vcf"), ("text", _WORDS)),
}


def format_of(file: IO[bytes]) -> Format:
    """What the content is. Leaves the file at its beginning."""
    file.seek(0)
    head = file.read(HEAD)
    file.seek(0)
    key = next((key for start, key in _STARTS if head.startswith(start)), "") or _by_shape(head)
    return FORMATS[_zipped(file) if key == "zip" else key]


def _by_shape(head: bytes) -> str:
    if b"%PDF-" in head[:1024]:  # some writers put a line before it
        return "pdf"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"mif1", b"msf1", b"heif"):
        return "heic"
    begins = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if begins.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<script")):
        return "html"
    if begins.startswith((b"<?xml", b"<svg", b"<!doctype")):
        return "xml"
    return "text" if _is_text(head) else "other"


def _is_text(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16
        return True
    return not any(byte < 32 and byte not in b"\t\n\v\f\r\x1b" for byte in head)


def _zipped(file: IO[bytes]) -> str:
    """Office files are archives: the names of what is in them say of which kind. Nothing is unpacked."""
    try:
        with ZipFile(file) as archive:
            names = set(archive.namelist())
            kind = archive.read("mimetype")[:80].decode("ascii", "replace") if _says_itself(archive) else ""
    except (BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError, KeyError):
        return "zip"
    finally:
        file.seek(0)
    if "[Content_Types].xml" in names:
        folders = {name.partition("/")[0] for name in names}
        return next(
            (key for folder, key in (("word", "docx"), ("xl", "xlsx"), ("ppt", "pptx")) if folder in folders), "zip"
        )
    return next((each.key for each in _FORMATS if each.key in _ZIPPED and each.content_type == kind), "zip")


def _says_itself(archive: ZipFile) -> bool:
    """An OpenDocument file begins with a short entry that names its kind."""
    first = archive.infolist()[:1]
    return bool(first) and first[0].filename == "mimetype" and first[0].file_size < 100


def icon_of(content_type: str) -> str:
    return ICONS.get(content_type, "file-earmark")


def check_name(name: str, found: Format) -> None:
    """Raises ServiceError (field "file") for a program, and for a name whose ending promises other content."""
    if found.key == "program":
        raise ServiceError(
            _("“%(name)s” is a program. Programs cannot be kept as documents.") % {"name": name}, field="file"
        )
    promised, allowed = _ENDINGS.get(ending_of(name), ("", set()))
    if not promised or found.key in allowed:
        return
    words = {"name": name, "promised": FORMATS[promised].label, "found": found.label}
    if found.key == "other":
        text = _("“%(name)s” is not %(promised)s. The file may be damaged: open it, save it again and try once more.")
    else:
        text = _(
            "“%(name)s” is not %(promised)s. Its content is %(found)s. Give it its real name, or choose another file."
        )
    raise ServiceError(text % words, field="file")


def ending_of(name: str) -> str:
    """The ending with its dot in small letters; "" without one."""
    stem, dot, ending = name.rpartition(".")
    return f".{ending.lower()}" if dot and stem and ending.isalnum() and len(ending) <= 8 else ""


def clean_name(name: str, found: Format | None = None) -> str:
    """The name as it is kept and given out: no folders, nothing invisible, no turned direction of writing, not too long. One
    without an ending gets that of its content where browsers draw it."""
    bare = unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2])
    bare = "".join(sign for sign in bare if unicodedata.category(sign)[0] != "C")
    bare = " ".join(bare.split()).strip(". ").replace('"', "'") or "file"
    ending = bare[-len(ending_of(bare)) :] if ending_of(bare) else ""
    if not ending and found is not None and found.content_type in SHOWN:
        return f"{bare[: LONGEST_NAME - 6]}.{'jpg' if found.key == 'jpeg' else found.key}"
    return bare[: len(bare) - len(ending)][: LONGEST_NAME - len(ending)].rstrip(". ") + ending


def check_size(name: str, size: int, most: int) -> None:
    """Raises ServiceError (field "file") for an empty file and for one that is too large."""
    if size == 0:
        raise ServiceError(_("“%(name)s” is empty.") % {"name": name}, field="file")
    if size > most:
        words = {"name": name, "size": filesizeformat(size), "most": filesizeformat(most)}
        raise ServiceError(_("“%(name)s” is %(size)s. A file may have up to %(most)s.") % words, field="file")
