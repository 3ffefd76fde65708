"""Links on one's own profile that other rooms and apps add."""

from dataclasses import dataclass
from typing import Any

from crm.core.base.registry import Registry


@dataclass(frozen=True)
class ProfileLink:
    key: str
    label: Any
    url_name: str
    order: int = 0


profile_links: Registry[ProfileLink] = Registry("link on the profile")
