"""Documents of clients: files with a title, a kind, an expiry date, and their versions.

The services take a `Received`, which only `receive` makes: what it holds was measured, looked into and scanned.
"""

from datetime import date, datetime
from typing import Any

from django.db.models import CharField, Exists, OuterRef, Value
from django.db.models.functions import Cast, Concat
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clients import permissions
from clients.checks import clean_fields, only_known
from clients.documents.fields import DOCUMENT_FIELDS
from clients.documents.models import Document, DocumentVersion
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
from crm.core.notifications.models import Notification

REMINDERS_AT_ONCE = 1000


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
    _apply(row, fields)
    save_version(row, fields=fields, seen=seen_version)
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
    return set_archived(document, at=now)[0]


@service(may=permissions.may_restore_document, why=permissions.IN_TRASH)
def restore_document(principal: Principal, *, document: Document) -> Document:
    return set_archived(document, at=None)[0]


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


def send_expiry_reminders(today: date) -> int:
    """Tell the account manager of each client which of its documents expire within 30 days, once for each document, day and account
    manager: the notification's unique key is the memory. How many there were."""
    key = Concat(
        Value("document-expiry:"),
        Cast("pk", CharField()),
        Value(":"),
        Cast("expiry_date", CharField()),
        Value(":"),
        Cast("client__owner", CharField()),
    )
    told = Notification.objects.filter(key=OuterRef("reminder"))
    rows = (
        Document.objects.filter(owner_sees_q())
        .current()
        .expiring(today)
        .filter(client__owner__is_active=True)
        .annotate(reminder=key)
        .exclude(Exists(told))
        .select_related("client")
        .order_by("expiry_date", "pk")
    )
    found = [_reminder(row) for row in rows]
    Notification.objects.bulk_create(found, ignore_conflicts=True, batch_size=REMINDERS_AT_ONCE)
    return len(found)


def _reminder(document: Any) -> Notification:
    words = {"title": document.title, "day": date_format(document.expiry_date, "j M Y"), "client": document.client.name}
    return Notification(
        user_id=document.client.owner_id,
        client_id=document.client_id,
        kind="document",
        key=document.reminder,
        text=(_("“%(title)s” expires on %(day)s · %(client)s") % words)[:300],
        url=document.get_absolute_url(),
    )
