"""System checks for the rules of this code base."""

from collections.abc import Iterator

from django.core.checks import Error, register
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.permissions import AllowAny

from crm.core.base.open_pages import OPEN_PAGES


def addresses(resolver: URLResolver | None = None, namespace: str = "") -> Iterator[tuple[str, URLPattern]]:
    """(name with its namespaces, pattern) of every URL of the project."""
    for found in (resolver or get_resolver()).url_patterns:
        if isinstance(found, URLResolver):
            yield from addresses(found, f"{namespace}{found.namespace}:" if found.namespace else namespace)
        else:
            yield namespace + (found.name or f"unnamed {found.pattern}"), found


def is_open(pattern: URLPattern) -> bool:
    """Whether the page needs no login."""
    view = pattern.callback
    api_class = getattr(view, "cls", None) or getattr(view, "view_class", None)
    if permissions := getattr(api_class, "permission_classes", None):
        return not permissions or AllowAny in permissions
    return not getattr(view, "login_required", True)


@register("access")
def open_pages_are_the_declared_ones(app_configs, **kwargs) -> list[Error]:
    found = {name for name, pattern in addresses() if is_open(pattern)}
    wrong = [
        Error(f"{name} answers without a login and is not in crm/core/base/open_pages.py.", id="core.E001")
        for name in sorted(found - OPEN_PAGES)
    ]
    return wrong + [
        Error(f"crm/core/base/open_pages.py names {name}, which is closed or not there.", id="core.E002")
        for name in sorted(OPEN_PAGES - found)
    ]
