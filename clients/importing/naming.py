"""Fields of the firm's own that name a client, in the rows of a file: by its ID, else by its exact name, of those that the importer sees.
Nothing is guessed: what is unknown, or the name of several, gives a warning and changes nothing."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from clients.importing.ids import folded, load_ids, own_pk
from clients.records.models import Client
from crm.core.importing.kinds import Column, Context, Plan, Values


class Named(int):
    """The number of a client, with its name."""

    name: str

    def __new__(cls, client: Client) -> "Named":
        made = super().__new__(cls, client.pk)
        made.name = client.name
        return made


def columns_that_name(columns: Any) -> list[Column]:
    return [column for column in columns if column.is_client]


def load_named(principal: Any, columns: list[Column], rows: list[Values], context: Context) -> None:
    """The clients that these cells of a chunk name; two statements, and none where no cell does."""
    texts = {text for row in rows for column in columns if isinstance(text := row.get(column.name), str)}
    if not texts:
        return
    load_ids("client", texts, context)
    ids: dict[str, int] = dict(context["cache"]["ids:client"])
    ids |= {text: pk for text in texts if (pk := own_pk("client", text)) is not None}
    seen = Client.objects.visible_to(principal).kept()
    by_pk = seen.in_bulk([pk for text in texts if (pk := ids.get(text[:200])) is not None])
    keys = folded(texts)
    by_name: dict[str, list[Client]] = {}
    for client in seen.filter(name_key__in={*keys.values()}).order_by("pk"):
        by_name.setdefault(client.name_key, []).append(client)
    found = context["cache"].setdefault("named clients", {})
    for text in texts:
        client = by_pk.get(ids.get(text[:200], 0))
        found[text] = [client] if client is not None else by_name.get(keys[text], [])


def with_named(
    columns: list[Column], values: Values, context: Context, *, is_of_clients: bool
) -> tuple[Values, list[str], dict[str, str]]:
    """The values with the clients that they name; warnings for the others, and those that a later row of a file of clients is about."""
    made, later = dict(values), {}
    warnings: list[str] = []
    for column in columns:
        text = made.get(column.name)
        if not isinstance(text, str) or not text:
            continue
        found = context["cache"]["named clients"][text]
        is_in_file = is_of_clients and bool(context["survey"]["ids"].get(text))
        if is_in_file and (context["is_past"] or not found):
            later[column.name] = text
        if len(found) == 1:
            made[column.name] = Named(found[0])
            continue
        del made[column.name]
        if not later.get(column.name):
            warnings.append(_unknown(column, text, found))
    return made, warnings, later


def _unknown(column: Column, text: str, found: list[Client]) -> str:
    words = (
        _("%(field)s: more than one client is called “%(name)s”. Use its ID. Left as it is.")
        if found
        else _("%(field)s: no client has the ID or the name “%(name)s”. Left as it is.")
    )
    return words % {"field": column.label, "name": text[:60]}


def named_later(
    principal: Any, columns: list[Column], rows: list[tuple[Plan, Any, dict[str, str]]], context: Context
) -> Iterator[tuple[Plan, Any, dict[str, Any]]]:
    """(plan, record, changes) of rows that named a client further down. Each is known by now, or its own row has failed."""
    load_named(principal, columns, [later for _plan, _write, later in rows], context)
    for plan, write, later in rows:
        changes = {}
        for column in columns:
            if text := later.get(column.name):
                found = context["cache"]["named clients"][text]
                changes |= {column.name: Named(found[0])} if len(found) == 1 else {}
        if changes:
            yield plan, write, changes
