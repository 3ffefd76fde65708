"""Warnings on top of every page: apps register sources in their `hooks.py`."""

from collections.abc import Callable
from typing import Any

_sources: list[Callable[[Any, Any], list[dict[str, Any]]]] = []


def register(source: Callable[[Any, Any], list[dict[str, Any]]]) -> None:
    """`source(user, now)` gives [{"tone", "text", "url", "link_text"}]; it must cost at most one indexed query."""
    if source not in _sources:
        _sources.append(source)


def build(principal, now) -> list[dict[str, Any]]:
    return [banner for source in _sources for banner in source(principal, now)]
