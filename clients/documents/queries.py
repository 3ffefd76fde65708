"""Reads of documents."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.template.defaultfilters import filesizeformat
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clients.documents.models import SOON, Document
from crm.core.files.contents import icon_of


def shown(rows: QuerySet) -> QuerySet:
    """With what a list shows of them."""
    return rows.select_related("client", "engagement", "file", "file__user")


def describe(rows: Iterable[Any], today: date) -> None:
    """Set what a row shows: `icon`, `file_words`, `expiry_words`, `expiry_tone`, `brought_by`."""
    for row in rows:
        row.icon = icon_of(row.file.content_type)
        row.file_words = f"{row.file.name} · {filesizeformat(row.file.size)}"
        row.expiry_words, row.expiry_tone = expiry_of(row, today)
        row.brought_by = row.file.user.name if row.file.user else ""


def expiry_of(document: Document, today: date) -> tuple[str, str]:
    """When a document expires in words, and the tone of it; ("", "") without a date."""
    day = document.expiry_date
    if day is None:
        return "", ""
    if day < today:
        return _("Expired on %(day)s") % {"day": date_format(day, "j M Y")}, "red"
    days = (day - today).days
    if days > SOON.days:
        return date_format(day, "j M Y"), ""
    if days == 0:
        return _("Expires today"), "amber"
    return ngettext("Expires tomorrow", "Expires in %(n)d days", days) % {"n": days}, "amber"
