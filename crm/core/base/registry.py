"""Lets higher rooms and apps add something to a lower one: they register it in their `hooks.py`."""

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


def always() -> bool:
    """For what every firm uses."""
    return True


class Registry(Generic[T]):
    """Items by `key`, sorted by `order` (default 0), then by registration.

    An item with `shown(principal)` is offered only to principals for whom it returns True.
    """

    def __init__(self, what: str):
        self.what = what
        self._items: dict[str, T] = {}

    def register(self, item: T) -> T:
        """Raises ValueError if the key is taken."""
        key = item.key  # type: ignore[attr-defined]
        if key in self._items:
            raise ValueError(f"There is already a {self.what} named {key!r}")
        self._items[key] = item
        return item

    def __iter__(self) -> Iterator[T]:
        return iter(sorted(self._items.values(), key=lambda item: getattr(item, "order", 0)))

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def __getitem__(self, key: str) -> T:
        """Raises KeyError for an unknown key."""
        return self._items[key]

    def get(self, key: str) -> T | None:
        return self._items.get(key)

    def shown(self, principal: Any) -> list[T]:
        return [item for item in self if getattr(item, "shown", None) is None or item.shown(principal)]  # type: ignore[attr-defined]
