"""Answers that give a file out. Who may have it is asked before: the row comes through `visible_to`."""

from django.core.files.storage import default_storage
from django.http import FileResponse, Http404

from crm.core.files.contents import SHOWN
from crm.core.files.models import StoredFile

# A file is shown beside the page that it belongs to and by no other site, and can load and run nothing.
ALONE = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
# An image may have a little style, which browsers give the page they draw around it. Viewers of PDFs do not start in a sandbox everywhere.
BOXED = f"{ALONE}; style-src 'unsafe-inline'; sandbox"


def may_be_shown(stored: StoredFile) -> bool:
    """Whether browsers draw it by themselves. The type was read from the content, never taken from a name."""
    return stored.content_type in SHOWN


def attachment(stored: StoredFile) -> FileResponse:
    """The file to be saved, under its name."""
    answer = _answer(stored, as_attachment=True)
    answer["Content-Security-Policy"] = BOXED
    return answer


def preview(stored: StoredFile) -> FileResponse:
    """The file to be looked at in a frame of ours. Raises Http404 for one that browsers do not draw."""
    if not may_be_shown(stored):
        raise Http404
    answer = _answer(stored, as_attachment=False)
    answer["Content-Security-Policy"] = ALONE if stored.content_type == "application/pdf" else BOXED
    answer["X-Frame-Options"] = "SAMEORIGIN"
    return answer


def _answer(stored: StoredFile, *, as_attachment: bool) -> FileResponse:
    try:
        file = default_storage.open(stored.path, "rb")
    except FileNotFoundError as error:
        raise Http404 from error
    answer = FileResponse(file, as_attachment=as_attachment, filename=stored.name, content_type=stored.content_type)
    answer["Content-Length"] = str(stored.size)
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cross-Origin-Resource-Policy"] = "same-origin"
    return answer
