"""The pages about mail, shown as tabs above each of them: apps register theirs in their `hooks.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from crm.core.base.registry import Registry


@dataclass(frozen=True)
class MailPage:
    key: str
    label: Any
    url_name: str
    order: int
    shown: Callable[[Any], bool] = lambda user: True


pages: Registry[MailPage] = Registry("page about mail")
register = pages.register


def tabs(principal, current: str) -> list[dict[str, Any]]:
    """As components/tabs.html takes them."""
    return [
        {"label": page.label, "url": reverse(page.url_name), "current": page.key == current}
        for page in pages.shown(principal)
    ]
