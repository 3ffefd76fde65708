"""The pages about mail, shown as tabs above each of them: apps register theirs in their `hooks.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse


@dataclass(frozen=True)
class MailPage:
    key: str
    label: Any
    url_name: str
    order: int
    shown: Callable[[Any], bool] = lambda user: True


_pages: dict[str, MailPage] = {}


def register(page: MailPage) -> None:
    _pages[page.key] = page


def tabs(principal, current: str) -> list[dict[str, Any]]:
    """As components/tabs.html takes them."""
    shown = [page for page in sorted(_pages.values(), key=lambda page: page.order) if page.shown(principal)]
    return [{"label": page.label, "url": reverse(page.url_name), "current": page.key == current} for page in shown]
