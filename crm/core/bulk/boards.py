"""A board by a field of the record: a move sets the field, as the bulk action “Edit” does of one row."""

from datetime import datetime
from typing import Any

from crm.core.bulk.targets import target_of
from crm.core.fields.catalogue import Field
from crm.core.listing.boards import Board
from crm.core.listing.selection import Action


def field_board(edit: Action, field: Field) -> Board:
    """`edit`: the action of `bulk_edit`."""

    def values(to: Any, given: dict[str, Any], now: datetime) -> dict[str, Any]:
        return {"changes": {field.name: ["clear", None] if to is None else ["set", to]}}

    return Board(group=field.in_groups(), action=edit, values=values, may_be_empty=target_of(field).may_clear)
