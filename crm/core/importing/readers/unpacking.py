"""Opening an archive without being flooded by what is in it."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

from defusedxml import DefusedXmlException
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from crm.core.importing.tabular import UnreadableTable

MAX_UNPACKED = 1024**3
MAX_MEMBERS = 5000
ARCHIVE = b"PK\x03\x04"
_DAMAGED = (
    BadZipFile,
    zlib.error,
    EOFError,
    KeyError,
    IndexError,
    ValueError,
    RuntimeError,
    NotImplementedError,
    SyntaxError,  # of xml.etree
    expat.ExpatError,
    DefusedXmlException,
)


@contextmanager
def opened(data: bytes, *, most: int = MAX_UNPACKED) -> Iterator[ZipFile]:
    """The archive. What a member claims to hold is the most that is unpacked of it. Raises UnreadableTable for one that is
    damaged, locked, or holds too much, also while it is read.
    """
    try:
        with ZipFile(BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > most:
                raise UnreadableTable(
                    _("Unpacked, the file would be larger than %(max)s. Split it and import the parts.")
                    % {"max": filesizeformat(most)}
                )
            if any(member.flag_bits & 1 for member in members):
                raise UnreadableTable(_("The archive has a password. Unpack it and import the files in it."))
            yield archive
    except UnreadableTable as error:  # a ValueError
        raise error
    except _DAMAGED as error:
        text = _(
            "The file is damaged or incomplete. Open it in the program it comes from, save it again and import that."
        )
        raise UnreadableTable(text) from error


def names_in(data: bytes) -> set[str]:
    """The names of an archive's members; empty for what is none."""
    try:
        with ZipFile(BytesIO(data)) as archive:
            return {*archive.namelist()} if data.startswith(ARCHIVE) else set()
    except _DAMAGED:
        return set()
