"""Warnings at the top of every page: apps register sources in their `hooks.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from crm.core.base.registry import Registry


@dataclass(frozen=True)
class Source:
    """`find(principal, now)` returns [{"tone", "text", "url", "link_text"}] in at most one indexed query."""

    key: str
    find: Callable[[Any, Any], list[dict[str, Any]]]


sources: Registry[Source] = Registry("source of banners")
register = sources.register


def build(principal, now) -> list[dict[str, Any]]:
    return [banner for source in sources for banner in source.find(principal, now)]
