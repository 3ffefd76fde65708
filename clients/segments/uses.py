"""What uses a segment. Apps register a finder in their hooks, so that a lower app names no higher one. Each user says by itself, once the
segment is gone, that it is, and holds no clients."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.segments.models import Segment
from clients.segments.queries import CLIENT_LIST, views_with
from crm.core.base.principals import SYSTEM, Principal
from crm.core.base.registry import Registry
from crm.core.fields.custom.queries import Use
from crm.core.ui.formatting import number

VIEW = gettext_lazy("View")


@dataclass(frozen=True)
class UseFinder:
    """`find(principal, segment)`: what uses it, of anybody; without a name where the principal does not see it."""

    key: str
    find: Callable[[Principal, Segment], Iterable[Use]]
    order: int = 0


finders: Registry[UseFinder] = Registry("finder of uses of a segment")


def used_by(principal: Principal, segment: Segment) -> list[Use]:
    return [use for finder in finders for use in finder.find(principal, segment)]


def question(segment: Segment) -> str:
    """What to ask before it is deleted; "" where nothing uses it."""
    uses = used_by(SYSTEM, segment)
    if not uses:
        return ""
    kinds = Counter(str(use.what) for use in uses)
    said = ", ".join(f"{number(n)} × {what}" for what, n in kinds.items())
    return _("In use: %(what)s. They will hold no clients until another segment is chosen there.") % {"what": said}


def views(principal: Principal, segment: Segment) -> Iterable[Use]:
    found: Any = views_with(segment)
    seen = set(found.visible_to(principal).values_list("pk", flat=True))
    for view in found.order_by("name", "pk"):
        url = f"{reverse(CLIENT_LIST)}?view={view.pk}"
        yield Use(VIEW, view.name, url) if view.pk in seen else Use(VIEW)


finders.register(UseFinder("views", views))
