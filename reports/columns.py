"""Columns of the rows behind a KPI, for the page, the CSV and the API."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from crm.core.listing.paging import Sort
from crm.core.templatetags.ui import when
from crm.core.ui.formatting import money

BY_NAME = Sort("name_key")


@dataclass(frozen=True)
class Cell:
    """`text` for the page, `plain` for the CSV and the API."""

    text: Any
    plain: Any
    url: str = ""
    tone: str | None = None
    sub: str = ""


@dataclass(frozen=True)
class Column:
    """`cell(row, firm)` returns a member's cell; the first column names the row."""

    label: Any
    cell: Callable[[Any, Any], Cell]
    is_number: bool = False
    is_long: bool = False  # sentences: on their own line on a phone


def client_address(pk: int) -> str:
    return reverse("clients:client", kwargs={"client_id": pk})


def client_cell(client: Any, sub: str = "") -> Cell:
    return Cell(client.name, client.name, client_address(client.pk), sub=sub)


def day_cell(day: Any, missing: str = "—") -> Cell:
    return Cell(when(day, "full") if day else missing, day or "")


def money_cell(amount: Any, firm: Any) -> Cell:
    return Cell(money(amount, firm.currency), amount)


def text_cell(text: Any) -> Cell:
    return Cell(text or "—", text)


CLIENT = Column(
    _("Client"), lambda client, firm: client_cell(client, " · ".join(filter(None, [client.industry, client.city])))
)
OWNER = Column(_("Account manager"), lambda client, firm: Cell(client.owner.name, client.owner.name))
TIER = Column(_("Tier"), lambda client, firm: text_cell(client.tier))
