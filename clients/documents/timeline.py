"""Documents in a client's timeline: each version that was uploaded."""

from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.documents.models import DocumentVersion
from clients.registry import TimelineAsk, TimelineItem, TimelineSource
from crm.core.base.kept import Kept


@Kept
def _uploaded(
    principal,
    limit: int,
    text: str,
    *,
    client_id: int,
    before: datetime | None,
    user_id: int | None,
    engagement_id: int | None,
):
    rows = DocumentVersion.objects.visible_to(principal)
    rows = rows.filter(document__client=client_id, document__archived_at__isnull=True)
    if before is not None:
        rows = rows.filter(file__created_at__lt=before)
    if text:
        rows = rows.filter(Q(document__title__icontains=text) | Q(file__name__icontains=text))
    if user_id is not None:
        rows = rows.filter(file__user=user_id)
    if engagement_id is not None:
        rows = rows.filter(document__engagement=engagement_id)
    return rows.select_related("document", "file__user").order_by("-file__created_at", "-pk")[:limit]


def document_items(principal, client, ask: TimelineAsk) -> list[TimelineItem]:
    if ask.contact_id:
        return []
    given = {"client_id": client.pk, "before": ask.before, "user_id": ask.user_id, "engagement_id": ask.engagement_id}
    return [_item(row) for row in _uploaded.rows(principal, ask.limit, ask.text, **given)]


def _item(row: DocumentVersion) -> TimelineItem:
    said = {"what": row.document.title, "number": row.number, "who": row.file.user.name if row.file.user else ""}
    if row.number == 1:
        title = _("Document “%(what)s” added by %(who)s") if said["who"] else _("Document “%(what)s” added")
    else:
        title = (
            _("Version %(number)d of “%(what)s” added by %(who)s")
            if said["who"]
            else _("Version %(number)d of “%(what)s” added")
        )
    return TimelineItem(
        at=row.file.created_at,
        key=f"document-{row.pk}",
        kind="document",
        title=title % said,
        icon="file-earmark",
        tone="quiet",
        extra={"url": row.document.get_absolute_url(), "text": row.remark},
    )


SOURCE = TimelineSource("documents", [("document", gettext_lazy("Documents"))], document_items, 60)
