"""Search over everything a user may see: one URL is the page, the list inside the palette, and the parts that come after."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from crm.core.base.reading import whole_number
from crm.core.search import recent, sources
from crm.core.search.excerpts import excerpt, marked
from crm.core.search.sources import NAMES, SIMILAR, STEPS, Group, Hit
from crm.core.search.typed import read
from crm.core.templatetags.ui import with_marks
from crm.core.ui.htmx import is_fragment

PALETTE, PART = "palette", "part"
IN_PALETTE, IN_PALETTE_SIMILAR, ON_PAGE = 5, 3, 10
ALONE, PAGES = 30, 10  # hits of one kind on a page of its own, and how many pages of them


@dataclass(frozen=True)
class Item:
    """A hit as the page shows it."""

    hit: Hit
    title: str
    text: str
    sub: str


@dataclass
class Shown:
    """A group of hits. `more_url`: all of them."""

    label: str
    items: list[Item] = field(default_factory=list)
    key: str = ""
    more_url: str = ""


@require_safe
def search(request):
    typed = read(request.GET.get("q", ""))
    way, step = request.GET.get("fragment", ""), request.GET.get("step", NAMES)
    context = {"q": typed.text}
    if way in (PALETTE, PART) and step in STEPS:
        limit = (IN_PALETTE if step != SIMILAR else IN_PALETTE_SIMILAR) if way == PALETTE else ON_PAGE
        context |= {"groups": _step(request, typed, step, limit), "next_url": _next(typed, step, way)}
        page = "components/palette_results.html" if way == PALETTE else "core/search/part.html"
        return render(request, page, context)
    if typed.text and request.GET.get("in") in sources.sources:
        return render(request, "core/search/page.html", context | _alone(request, typed))
    # without script everything at once; as somebody types, the steps come one after the other
    steps = [NAMES] if is_fragment(request) else STEPS
    groups = [group for step in steps for group in _step(request, typed, step, ON_PAGE)]
    total = sum(len(group.items) for group in groups) if typed.text else None
    following = _next(typed, NAMES, PART) if is_fragment(request) else ""
    return render(request, "core/search/page.html", context | {"groups": groups, "total": total, "part_url": following})


def _next(typed, step: str, way: str) -> str:
    """The address of the step after this one; "" after the last."""
    after = STEPS[STEPS.index(step) + 1 :] if typed.text else ()
    name = next((name for name in after if sources.is_worth(typed, name)), "")
    return f"{reverse('core:search')}?{urlencode({'q': typed.text, 'fragment': way, 'step': name})}" if name else ""


def _step(request, typed, step: str, limit: int) -> list[Shown]:
    if not typed.text:
        return _offered(request, typed) if step == NAMES else []
    found = sources.find(request.principal, typed.text, step, limit=limit)
    if step == SIMILAR:
        items = [_item(hit, typed) for group in found for hit in group.hits]
        return [Shown(_("Similar names"), items)] if items else []
    groups = [_shown(group, typed) for group in found]
    if step != NAMES:
        return groups
    hits, is_first = sources.commands(request.principal, typed.text, recent.client_ids(request))
    commands = [Shown(_("Commands and pages"), [_item(hit, typed) for hit in hits])] if hits else []
    return commands + groups if is_first else groups + commands


def _offered(request, typed) -> list[Shown]:
    """Offered before anything is typed: recent clients and common commands."""
    looked_at = sources.recent(request.principal, recent.client_ids(request))
    pairs = ((_("Last viewed"), looked_at), (_("Commands"), sources.common(request.principal)))
    return [Shown(label, [_item(hit, typed) for hit in hits]) for label, hits in pairs if hits]


def _alone(request, typed) -> dict[str, Any]:
    """One kind of hits, on pages."""
    source = sources.sources[request.GET["in"]]
    number = min(max(whole_number(request.GET.get("page")) or 1, 1), PAGES)
    skip = (number - 1) * ALONE
    found = sources.find(request.principal, typed.text, limit=ALONE, only=source.key, skip=skip)
    groups = [Shown(str(source.label), [_item(hit, typed) for hit in group.hits], source.key) for group in found]
    has_more = number < PAGES and any(group.has_more for group in found)
    total = sum(len(group.items) for group in groups)
    pages = {
        "previous_url": _all_of(source.key, typed, number - 1) if number > 1 else "",
        "next_url": _all_of(source.key, typed, number + 1) if has_more else "",
    }
    return {"groups": groups, "total": total, "only": source, "first": skip + 1, "last": skip + total, **pages}


def _all_of(key: str, typed, number: int = 1) -> str:
    query = {"q": typed.text, "in": key} | ({"page": number} if number > 1 else {})
    return f"{reverse('core:search')}?{urlencode(query)}"


def _shown(group: Group, typed) -> Shown:
    source, more = group.source, ""
    if group.has_more:
        in_list = f"{reverse(source.list_url)}?{urlencode({'q': typed.text})}" if source.list_url else ""
        more = in_list or _all_of(source.key, typed)
    return Shown(str(source.label), [_item(hit, typed) for hit in group.hits], source.key, more)


def _item(hit: Hit, typed) -> Item:
    text = with_marks(excerpt(hit.text, typed.words)) if hit.text else ""
    title = with_marks(marked(hit.title, typed.words)) if hit.title else text
    sub = " · ".join(str(part) for part in (hit.kind, hit.client, hit.detail) if part)
    return Item(hit, title, text if hit.title else "", sub)
