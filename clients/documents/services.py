"""Documents of clients: files with a title, a kind, an expiry date, and their versions.

The services take a `Received`, which only `receive` makes: what it holds was measured, looked into and scanned.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clients import permissions
from clients.checks import clean_fields, only_known
from clients.cover.queries import readers_of, with_covering
from clients.documents.fields import DOCUMENT_FIELDS
from clients.documents.models import Document, DocumentVersion
from clients.engagements.models import open_to_all_q
from clients.engagements.queries import owner_sees_q
from clients.engagements.services.records import check_engagement_of
from clients.records.models import Client
from crm.core.base.archiving import set_archived
from crm.core.base.errors import ServiceError
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.base.versions import save_version
from crm.core.files.contents import ending_of
from crm.core.files.models import StoredFile
from crm.core.files.services import Received, digest_of, store_file
from crm.core.notifications.notices import RowNotice


@service(may=permissions.may_edit, why=permissions.IN_TRASH)
def add_document(
    principal: Principal, *, client: Client, received: Received, title: str = "", now: datetime, **fields: Any
) -> Document:
    """File a document, its first version. Without a title it takes the file's name. Raises ServiceError."""
    document = Document(client=client, uploaded_at=now)
    check_engagement_of(principal, fields.get("engagement"), client)
    _apply(document, fields | {"title": title.strip() or title_of(received.name)})
    document.file = _keep(principal, received, client)
    document.save()
    DocumentVersion.objects.create(document=document, number=1, file=document.file)
    return document


@service(may=permissions.may_change_document, why=permissions.DOCUMENT_IN_TRASH)
def add_document_version(
    principal: Principal, *, document: Document, received: Received, remark: str = "", now: datetime
) -> DocumentVersion:
    """Add a version, which is the document from now on; the earlier ones stay. Raises ServiceError (fields file, remark) also for
    a file that is the latest version already."""
    row = Document.objects.select_for_update(of=("self",)).select_related("file", "client").get(pk=document.pk)
    version = DocumentVersion(document=row, number=row.number + 1, remark=" ".join(remark.split()))
    clean_fields(version, {"remark"})
    if digest_of(received.file) == row.file.sha256:
        raise ServiceError(_("This is the same file as version %(n)d.") % {"n": row.number}, field="file", code="same")
    version.file = _keep(principal, received, row.client)
    version.save()
    row.file, row.number, row.uploaded_at = version.file, version.number, now
    save_version(row, fields=["file", "number", "uploaded_at"], seen=None)
    return version


@service(may=permissions.may_change_document, why=permissions.DOCUMENT_IN_TRASH)
def update_document(
    principal: Principal, *, document: Document, seen_version: int | None = None, **fields: Any
) -> Document:
    """Change what is said about a document. Raises StaleWrite, ServiceError."""
    row = Document.objects.select_for_update(of=("self",)).select_related("client").get(pk=document.pk)
    check_engagement_of(principal, fields.get("engagement"), row.client)
    was = row.expiry_date
    _apply(row, fields)
    save_version(row, fields=fields, seen=seen_version)
    if row.expiry_date != was:
        EXPIRY.close([row.pk])
        EXPIRY.reopen(row.pk)
    return row


@service(may=permissions.may_change_document, why=permissions.DOCUMENT_IN_TRASH)
def set_document_shared(principal: Principal, *, document: Document, is_shared: bool) -> Document:
    """Say whether the client may have the document. Nothing is sent. Raises ServiceError where it says so already."""
    row = Document.objects.select_for_update().get(pk=document.pk)
    if row.is_shared == is_shared:
        raise ServiceError(_("Nothing to change."), code="same")
    row.is_shared = is_shared
    save_version(row, fields=["is_shared"], seen=None)
    return row


@service(may=permissions.may_change_document, why=permissions.DOCUMENT_IN_TRASH)
def archive_document(principal: Principal, *, document: Document, now: datetime) -> Document:
    row = set_archived(document, at=now)[0]
    EXPIRY.close([row.pk])
    return row


@service(may=permissions.may_restore_document, why=permissions.IN_TRASH)
def restore_document(principal: Principal, *, document: Document) -> Document:
    row = set_archived(document, at=None)[0]
    EXPIRY.reopen(row.pk)
    return row


def title_of(name: str) -> str:
    """A title made of a file's name: without its ending, underscores as spaces."""
    stem = name[: len(name) - len(ending_of(name))]
    return " ".join(stem.replace("_", " ").split())[: Document._meta.get_field("title").max_length] or name


def _apply(document: Document, fields: dict[str, Any]) -> None:
    only_known(fields, DOCUMENT_FIELDS.edited)
    for name, value in fields.items():
        setattr(document, name, value.strip() if isinstance(value, str) else value)
    if not document.title:
        raise ServiceError(_("Enter a title."), field="title")
    clean_fields(document, fields)


def _keep(principal: Principal, received: Received, client: Client) -> StoredFile:
    return store_file(
        principal,
        name=received.name,
        file=received.file,
        content_type=received.content_type,
        client_id=client.pk,
    )


def _expiring(ids: Iterable[int]) -> Iterable[Document]:
    """A document that is spoken of stays so until it is archived or has another day: once expired, all the more."""
    return Document.objects.current().filter(pk__in=ids, expiry_date__isnull=False)


EXPIRY = RowNotice(
    "document", readers_of, prefix="document-expiry", by=("expiry_date",), each="client__owner", still=_expiring
)


def send_expiry_reminders(today: date) -> int:
    """Tell the account manager of each client, and who covers for them, which of its documents expire within 30 days, once for each
    document, day and account manager. How many there were. It first closes unread ones about what was archived or got another day."""
    EXPIRY.close_settled()
    rows = (
        Document.objects.filter(owner_sees_q())
        .current()
        .expiring(today)
        .filter(client__owner__is_active=True)
        .select_related("client__owner")
        .order_by("expiry_date", "pk")
    )
    return EXPIRY.tell(EXPIRY.untold(with_covering(rows, today, also=open_to_all_q())), _expiry_words)


def _expiry_words(document: Document) -> str:
    day = date_format(document.expiry_date, "j M Y")  # type: ignore[arg-type]
    words = {"title": document.title, "day": day, "client": document.client.name}
    return _("“%(title)s” expires on %(day)s · %(client)s") % words
