"""Rows that name other rows of a client, such as an engagement: after the undo of a merge they are with the client of what they name,
as the services ask (`check_engagement_of`).
"""

from collections.abc import Iterator
from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clients.documents.models import Document, DocumentVersion
from clients.merging.relations import relations_of
from clients.records.models import Client
from crm.core.files.models import StoredFile

MOST_PASSES = 5  # a row that names one that names one …
APART = _("It names something of the other client.")
Found = tuple[Any, int]


def follow(kept: int, away: int) -> list[Found]:
    """Give each row of the two to the client of all the rows it names. Returns those that cannot: they name rows of both, or that client
    has the same already.
    """
    named, refused = dict(_named()), set[Found]()
    for _pass in range(MOST_PASSES):
        moved = 0
        for model, columns in named.items():
            for client, other in ((kept, away), (away, kept)):
                pks = {*_apart(model, columns, client, other, is_all=True)} - {pk for of, pk in refused if of is model}
                here = _give(model, pks, other)
                refused |= {(model, pk) for pk in pks - here}
                moved += len(here)
        if not moved:
            break
    sides = ((kept, away), (away, kept))
    return [
        (model, pk)
        for model, columns in named.items()
        for client, other in sides
        for pk in _apart(model, columns, client, other, is_all=False)
    ]


def _named() -> Iterator[tuple[Any, list[str]]]:
    """(model, its foreign keys to rows of the same client), of the rows with a history that a merge moves."""
    owned = {each.model: None for each in relations_of(Client) if each.column == "client_id" and each.has_history}
    for model in owned:
        columns = [field.name for field in model._meta.concrete_fields if field.related_model in owned]
        if columns:
            yield model, columns


def _apart(model: Any, columns: list[str], client: int, other: int, *, is_all: bool) -> list[int]:
    """Rows of the client that name rows of the other one; `is_all`: only those that name none of its own."""
    names = Q()
    for column in columns:
        names |= Q(**{f"{column}__client_id": other})
    rows = model._base_manager.filter(names, client_id=client)
    for column in columns if is_all else ():
        rows = rows.exclude(**{f"{column}__client_id": client})
    return list(rows.order_by("pk").values_list("pk", flat=True))


def _give(model: Any, pks: set[int], client: int) -> set[int]:
    """Together; if the database refuses that, each by itself. Returns those that moved."""
    if not pks:
        return set()
    if _gave(model, pks, client):
        return pks
    return {pk for pk in sorted(pks) if len(pks) > 1 and _gave(model, {pk}, client)}


def _gave(model: type[models.Model], pks: set[int], client: int) -> bool:
    touched = {"updated_at": timezone.now()} if any(f.name == "updated_at" for f in model._meta.concrete_fields) else {}
    try:
        with transaction.atomic():
            model._base_manager.filter(pk__in=pks).update(client_id=client, **touched)
    except IntegrityError:
        return False
    if model is Document:
        files = DocumentVersion.objects.filter(document__in=pks).values("file")
        StoredFile.objects.filter(pk__in=files).update(client_id=client)
    return True
