"""Reads of the firm's settings."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from crm.core.base.kept import SameForAll
from crm.core.base.zones import zone
from crm.core.firm.models import FirmSettings

_request = threading.local()


def get_firm() -> FirmSettings:
    """The firm's settings, read once per web request or `firm_cached()` block, otherwise on each call."""
    if not getattr(_request, "is_open", False):
        return _read_firm()
    if getattr(_request, "firm", None) is None:
        _request.firm = _read_firm()
    return _request.firm


@SameForAll
def _firm():
    return FirmSettings.objects.filter(pk=1)


def _read_firm() -> FirmSettings:
    return next(iter(_firm.rows()), None) or FirmSettings(pk=1)


def open_firm_cache() -> None:
    _request.is_open, _request.firm = True, None


def close_firm_cache() -> None:
    _request.is_open, _request.firm = False, None


@contextmanager
def firm_cached() -> Iterator[None]:
    """Read the firm's settings once for a whole block of background work."""
    if getattr(_request, "is_open", False):
        yield
        return
    open_firm_cache()
    try:
        yield
    finally:
        close_firm_cache()


@contextmanager
def as_new_firm(fields_mark: str = "", **said: Any) -> Iterator[None]:
    """As a firm that has set nothing, without asking the database: for texts that are made of declarations. `fields_mark`: with the own
    fields of this state; `said`: other settings that matter.
    """
    before = (getattr(_request, "is_open", False), getattr(_request, "firm", None))
    _request.is_open, _request.firm = True, FirmSettings(pk=1, fields_mark=fields_mark, **said)
    try:
        yield
    finally:
        _request.is_open, _request.firm = before


def forget_firm() -> None:
    """Forget the cached settings after a change within a request."""
    _request.firm = None


def currency_at(moment: datetime) -> str:
    """The firm's currency at a past moment, from the history."""
    kept = FirmSettings.pgh_event_models["update"].objects.filter(pgh_created_at__lte=moment)  # type: ignore[attr-defined]
    return kept.order_by("-pgh_id").values_list("currency", flat=True).first() or get_firm().currency


def firm_zone() -> ZoneInfo:
    return zone(get_firm().time_zone)


def firm_today(now: datetime) -> date:
    """The date in the firm's zone at an aware `now`."""
    return now.astimezone(firm_zone()).date()


def user_zone(user) -> ZoneInfo:
    """The user's own zone, else the firm's."""
    return zone(user.time_zone) if getattr(user, "time_zone", "") else firm_zone()
