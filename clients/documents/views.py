"""Documents: a client's tab, uploads, the page of one, and its files. Every file is given out here, behind the gate."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from clients import permissions
from clients.documents.fields import DOCUMENT_FIELDS
from clients.documents.forms import DocumentForm, UploadForm, VersionForm
from clients.documents.lists import CLIENT_DOCUMENTS
from clients.documents.models import Document, DocumentVersion
from clients.documents.queries import describe, shown
from clients.documents.services import (
    add_document,
    add_document_version,
    archive_document,
    restore_document,
    set_document_shared,
    update_document,
)
from clients.page.header import client_frame
from clients.page.queries import load_client, load_open_client
from crm.core.base.errors import ServiceError
from crm.core.base.kept import Kept
from crm.core.base.permissions import require
from crm.core.base.reading import whole_number
from crm.core.files.contents import icon_of
from crm.core.files.downloads import attachment, may_be_shown, preview
from crm.core.files.services import receive
from crm.core.firm.queries import firm_today
from crm.core.ui.actions import form_action
from crm.core.ui.htmx import go, is_fragment, posted, render_page


@dataclass
class Uploaded:
    """What became of one file."""

    name: str
    document: Document | None = None
    error: str = ""


@require_GET
def show_list(request, client_id):
    client = load_client(request.principal, client_id)
    initial = {"engagement": whole_number(request.GET.get("engagement"))}
    return _tab(request, client, UploadForm(client=client, principal=request.principal, initial=initial))


def _tab(request, client, form, *, status=200):
    context = client_frame(request, client, "documents", now=timezone.now())
    context |= {"form": form, "most": settings.DOCUMENT_MAX_BYTES}
    listing = CLIENT_DOCUMENTS.of(request, client_id=client.pk)
    return CLIENT_DOCUMENTS.answer(request, listing, within="clients/documents/tab.html", status=status, **context)


@require_POST
def upload(request, client_id):
    """Several files at once from a plain form, or one after the other from a page that shows how far each is."""
    client = load_open_client(request.principal, client_id)
    form = UploadForm(request.POST, request.FILES, client=client, principal=request.principal)
    if not form.is_valid():
        return _refused(request, client, form)
    said = {name: value for name, value in form.cleaned_data.items() if name in ("kind", "engagement")}
    done = [_file(request, client, file, said) for file in form.cleaned_data["files"]]
    wrong = [one for one in done if one.error]
    if is_fragment(request):
        return render(request, "clients/documents/uploaded.html", {"done": done}, status=422 if wrong else 200)
    if len(wrong) < len(done):
        n = len(done) - len(wrong)
        messages.success(request, ngettext("%(n)d document added", "%(n)d documents added", n) % {"n": n})
    if not wrong:
        return go(request, "clients:client_documents", client.pk)
    for one in wrong:
        form.add_error("files", one.error)
    return _refused(request, client, form)


def _refused(request, client, form):
    if is_fragment(request):
        errors = [Uploaded("", error=error) for found in form.errors.values() for error in found]
        return render(request, "clients/documents/uploaded.html", {"done": errors}, status=422)
    return _tab(request, client, form, status=422)


def _file(request, client, file, said) -> Uploaded:
    try:
        received = receive(file, most=settings.DOCUMENT_MAX_BYTES)
        document = add_document(request.principal, client=client, received=received, now=timezone.now(), **said)
    except ServiceError as error:
        return Uploaded(file.name, error=error.message)
    return Uploaded(received.name, document=document)


@Kept
def _document(principal, *, pk: int):
    return shown(Document.objects.visible_to(principal)).filter(pk=pk)


def load_document(principal, document_id: int) -> Document:
    """404 for one of a client out of sight."""
    return _document.one(principal, pk=document_id)


def _load_to_change(request, document_id: int) -> Document:
    document = load_document(request.principal, document_id)
    require(permissions.may_change_document(request.principal, document), permissions.DOCUMENT_IN_TRASH)
    return document


def _crumbs(document: Document, *more: str) -> list[dict[str, Any]]:
    client = document.client
    found = [
        {"label": client.name, "url": client.get_absolute_url()},
        {"label": _("Documents"), "url": reverse("clients:client_documents", args=[client.pk])},
        {"label": document.title, "url": document.get_absolute_url() if more else ""},
    ]
    return found + [{"label": label} for label in more]


@require_GET
def show(request, document_id):
    document, now = load_document(request.principal, document_id), timezone.now()
    describe([document], firm_today(now))
    versions = [*document.versions.select_related("file", "file__user")]
    for version in versions:
        version.icon, version.is_shown = icon_of(version.file.content_type), may_be_shown(version.file)
    return render(
        request,
        "clients/documents/document.html",
        {
            "document": document,
            "title": document.title,
            "crumbs": _crumbs(document),
            "versions": versions,
            "is_shown": may_be_shown(document.file),
            "is_image": document.file.content_type.startswith("image/"),
            "facts": DOCUMENT_FIELDS.facts(document),
            "may_change": permissions.may_change_document(request.principal, document),
            "may_restore": permissions.may_restore_document(request.principal, document),
        },
    )


@require_http_methods(["GET", "POST"])
def edit(request, document_id):
    document = _load_to_change(request, document_id)
    form = DocumentForm(posted(request), principal=request.principal, instance=document)

    def act():
        return update_document(
            request.principal, document=document, seen_version=form.seen_version(), **form.cleaned_data
        )

    outcome = form_action(request, form, act)
    if outcome.is_done:
        messages.success(request, _("Saved"))
        return go(request, document.get_absolute_url())
    context = {"title": _("Edit document"), "form": form, "conflict": outcome.conflict}
    context |= {"trail": _crumbs(document, _("Edit")), "back_url": document.get_absolute_url()}
    return render(request, "form_page.html", context, status=outcome.status)


@require_http_methods(["GET", "POST"])
def add_version(request, document_id):
    document = _load_to_change(request, document_id)
    form = VersionForm(posted(request), request.FILES or None)

    def act():
        received = receive(form.cleaned_data["file"], most=settings.DOCUMENT_MAX_BYTES)
        return add_document_version(
            request.principal,
            document=document,
            received=received,
            remark=form.cleaned_data["remark"],
            now=timezone.now(),
        )

    outcome = form_action(request, form, act)
    if outcome.is_done:
        messages.success(request, _("Version %(n)d added") % {"n": outcome.result.number})
        return go(request, document.get_absolute_url())
    context = {
        "document": document,
        "title": _("New version"),
        "form": form,
        "crumbs": _crumbs(document, _("New version")),
    }
    return render_page(request, "clients/documents/version.html", context, fragment="form", status=outcome.status)


@require_POST
def share(request, document_id):
    return _set_shared(
        request, document_id, True, _("Marked: may be shared with the client"), "clients:document_unshare"
    )


@require_POST
def unshare(request, document_id):
    return _set_shared(request, document_id, False, _("Marked: internal only"), "clients:document_share")


def _set_shared(request, document_id, is_shared, said, undo):
    document = _load_to_change(request, document_id)
    try:
        set_document_shared(request.principal, document=document, is_shared=is_shared)
    except ServiceError as error:
        messages.info(request, error.message)
    else:
        messages.success(request, said, extra_tags=f"undo:{reverse(undo, args=[document.pk])}")
    return go(request, document.get_absolute_url())


@require_POST
def archive(request, document_id):
    document = load_document(request.principal, document_id)
    archive_document(request.principal, document=document, now=timezone.now())
    undo = reverse("clients:document_restore", args=[document.pk])
    messages.success(request, _("Document archived"), extra_tags=f"undo:{undo}")
    return go(request, "clients:client_documents", document.client_id)


@require_POST
def restore(request, document_id):
    document = load_document(request.principal, document_id)
    restore_document(request.principal, document=document)
    messages.success(request, _("Document restored"))
    return go(request, document.get_absolute_url())


def _version(request, document_id, number) -> DocumentVersion:
    rows = DocumentVersion.objects.visible_to(request.principal).select_related("file")
    return get_object_or_404(rows, document=document_id, number=number)


@require_safe
def download(request, document_id, number):
    return attachment(_version(request, document_id, number).file)


@require_safe
def look(request, document_id, number):
    """The file in a frame of the document's page, or in a tab of its own."""
    return preview(_version(request, document_id, number).file)
