"""The IDs of records in files, and names as the database folds them."""

import hmac
from collections.abc import Iterable

from django.conf import settings
from django.db import connection

from clients.records.external import find_externals
from crm.core.base.reading import whole_number
from crm.core.importing.kinds import Context
from crm.core.importing.presets import products
from crm.core.importing.recognising import OWN_SYSTEM


def own_id(of: str, pk: int) -> str:
    """The ID of a row in an exported file. The suffix identifies this installation."""
    ending = hmac.digest(settings.SECRET_KEY.encode(), f"id of {of} {pk}".encode(), "sha256").hex()[:8]
    return f"{pk}-{ending}"


def own_pk(of: str, value: str) -> int | None:
    pk = whole_number(value.partition("-")[0])
    return pk if pk is not None and value == own_id(of, pk) else None


def load_ids(of: str, values: Iterable[str], context: Context) -> None:
    """Look a chunk's ids up in one query."""
    values = {value[:200] for value in values if value}
    cached = context["cache"].setdefault(f"ids:{of}", {})
    if context["system"] == OWN_SYSTEM:
        cached |= {value: pk for value in values if (pk := own_pk(of, value))}
    cached |= find_externals(system=context["system"], kind=of, values=values - cached.keys())
    if product := products.get(context["system"]):
        before = {earlier: value for value in values - cached.keys() if (earlier := product.also(value))}
        found = find_externals(system=context["system"], kind=of, values=before) if before else {}
        cached |= {before[earlier]: pk for earlier, pk in found.items()}


def folded(names: Iterable[str]) -> dict[str, str]:
    """{name: as `name_key` would have it}, as the database folds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT n, core_fold(n) FROM unnest(%s::text[]) AS n", [[*{*names}]])
        return dict(cursor.fetchall())
