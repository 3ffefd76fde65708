"""What a list says where it has no rows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse


@dataclass(frozen=True, kw_only=True)
class Empty:
    """`title`, `text` and one button that leads to the first row (`action`, the page `url_name`), for those who `may` use it. `no_match`: the
    title where the list has rows, but none that match."""

    title: Any
    text: Any = ""
    icon: str = "info-circle"
    action: Any = ""
    url_name: str = ""
    may: Callable[[Any], bool] = lambda principal: True
    no_match: Any = ""

    def url(self, principal: Any) -> str:
        return reverse(self.url_name) if self.url_name and self.may(principal) else ""
