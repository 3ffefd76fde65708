"""A custom field in comparisons: what filters and rules put on either side. `here` is its value, `text` that in lower case, `kept` what a
value is compared as. A formula or roll-up gives the same (`computed.py`)."""

from dataclasses import dataclass
from typing import Any

from django.db.models import F, Value

from crm.core.fields.custom.models import CustomField
from crm.core.fields.custom.sql import JSON, TextAt, at
from crm.core.fields.custom.values import shape_of


@dataclass(frozen=True)
class Stored:
    """A field whose values the rows keep: the same for every principal, at any time."""

    field: CustomField

    def here(self, principal: Any = None, now: Any = None) -> Any:
        return at(self.field.held_at)

    def text(self, principal: Any = None, now: Any = None) -> Any:
        return TextAt(F("custom"), key=self.field.held_at)

    def kept(self, value: Any) -> Any:
        return Value(shape_of(self.field).keep(value), JSON)
