"""Documents as the search and the palette find them."""

from clients.documents.queries import find
from crm.core.files.contents import icon_of
from crm.core.search.sources import Hit


def find_documents(principal, text, limit):
    rows = find(principal, text).select_related("client", "file").order_by("-uploaded_at", "-pk")
    return [
        Hit(
            title=row.title,
            url=row.get_absolute_url(),
            kind="document",
            icon=icon_of(row.file.content_type),
            detail=f"{row.client.name} · {row.get_kind_display()}",
        )
        for row in rows[:limit]
    ]
