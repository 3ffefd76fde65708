"""Search and commands: apps register both in their `hooks.py`."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from crm.core.base.kept import kept_by_access
from crm.core.base.registry import Registry
from crm.core.search.branches import Ask, Found, likeness
from crm.core.search.typed import Shape, Typed, filled, read
from crm.core.ui import navigation

# The steps of a search, one after the other: names, titles and numbers; then texts; then names that are only similar.
NAMES, TEXTS, SIMILAR = STEPS = ("names", "texts", "similar")
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Hit:
    """`kind` in words; `client` is the name of the client it belongs to; `text` is that in which the words were found, of which the
    page shows an excerpt, `at` when it was. `pk` for hits that a command can apply to; `fields`: choosing it POSTs them; `fill`: choosing it puts
    this text into the search field; `is_dialog`: its page opens in the shared dialog.
    """

    title: str
    url: str
    kind: Any
    icon: str
    detail: str = ""
    client: str = ""
    text: str = ""
    at: datetime | None = None
    pk: int = 0
    fields: Mapping[str, str] | None = None
    fill: str = ""
    is_dialog: bool = False


@dataclass(frozen=True)
class Source:
    """`rows(ask)` returns branches, best first (`branches.py`): querysets of `Found` through `visible_to`, which depend on the shape of what
    was typed and not on the text itself. `similar(ask)` are those with a similar name. `hit(found)` shows a row. `more(typed)`: what
    the source reads from the text besides. `complete(principal, typed, rows)` adds what only
    the rows that are shown need. `step`: when it is asked. `list_url` is the name of the list that its filter `q` narrows by the same words.
    """

    key: str
    label: Any
    order: int
    rows: Callable[[Ask], Sequence[QuerySet]]
    hit: Callable[[Found], Hit]
    similar: Callable[[Ask], Sequence[QuerySet]] | None = None
    more: Callable[[Typed], Mapping[str, str]] = lambda typed: {}
    complete: Callable[[Any, Typed, list[Found]], list[Found]] | None = None
    step: str = NAMES
    list_url: str = ""
    shown: Callable[[Any], bool] = lambda principal: True


@dataclass(frozen=True)
class Group:
    """The hits of one source. `has_more`: there are others beyond the limit."""

    source: Source
    hits: list[Hit]
    has_more: bool


About = Callable[[Any, str, list[int], int], list[Hit]]


@dataclass(frozen=True)
class Command:
    """An action or a page, found in the palette by name; `words` are synonyms.

    `about(principal, text, recent_ids, limit)` finds what it applies to (hits with a `pk`, which `url_name` takes):
    “log a call north” is a call with Northwind, and `title` reads “Log a call with %(name)s”. `query` goes into the
    URL; `fields` make it a POST. `is_common`: offered before anything is typed. `shown(principal)` says for whom it is.
    """

    key: str
    label: Any
    url_name: str
    icon: str = "arrow-right"
    words: Any = ""
    order: int = 50
    args: tuple[Any, ...] = ()
    query: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] | None = None
    about: About | None = None
    title: Any = ""
    is_dialog: bool = False
    is_common: bool = False
    shown: Callable[[Any], bool] = lambda principal: True

    def url(self, *args: Any) -> str:
        return reverse(self.url_name, args=args or self.args) + (f"?{urlencode(self.query)}" if self.query else "")

    def hit(self) -> Hit:
        """The command as a hit; one that needs an object asks for it."""
        if self.about is None:
            return Hit(str(self.label), self.url(), "", self.icon, fields=self.fields, is_dialog=self.is_dialog)
        fill = f"{self.label} "
        url = f"{reverse('core:search')}?{urlencode({'q': fill})}"
        return Hit(f"{self.label}…", url, "", self.icon, detail=_("Type a name"), fill=fill)


sources: Registry[Source] = Registry("search source")
palette: Registry[Command] = Registry("command")  # pages in the navigation are found anyway
register = sources.register
_recent: list[Callable[[Any, list[int]], list[Hit]]] = []


_has_few: list[Callable[[Any], bool]] = []


def register_few(has_few: Callable[[Any], bool]) -> None:
    """`has_few(principal)`: whether the principal sees so few clients that their rows are looked up by client."""
    _has_few[:] = [has_few]


def find(principal, text: str, step: str = NAMES, *, limit: int = 8, only: str = "", skip: int = 0) -> list[Group]:
    """The hits of a step by source, sources without any left out, in one statement. An empty text finds nothing. Similar names are those
    that the names do not hold. `only`: of this source alone, in its step; `skip`: how many of the best to leave out.
    """
    typed = read(text)
    way = "similar" if step == SIMILAR else "rows"
    chosen = [source for source in sources.shown(principal) if _is_asked(source, step, only)]
    if not typed.words or not chosen or not is_worth(typed, step):
        return []
    given = {**typed.given(), **{k: v for source in chosen for k, v in source.more(typed).items()}}
    is_few = any(has_few(principal) for has_few in _has_few)
    shape = (way, tuple(source.key for source in chosen), typed.shape, skip + limit + 1, is_few)
    by_source: dict[str, list[Found]] = {}
    with likeness() if step == SIMILAR else nullcontext():
        for row in _rows.rows(principal, *shape, **given):
            by_source.setdefault(row[0], []).append(Found(*row))
    ordered = ((source, in_order(by_source.get(source.key, []))) for source in chosen)
    return [
        Group(source, _hits(source, principal, typed, rows[skip : skip + limit]), len(rows) > skip + limit)
        for source, rows in ordered
        if len(rows) > skip
    ]


def _hits(source: Source, principal, typed: Typed, rows: list[Found]) -> list[Hit]:
    return [source.hit(row) for row in (source.complete(principal, typed, rows) if source.complete else rows)]


def is_worth(typed: Typed, step: str) -> bool:
    return {TEXTS: typed.is_worth_texts, SIMILAR: typed.is_worth_similar}.get(step, True)


def _is_asked(source: Source, step: str, only: str) -> bool:
    if only:
        return source.key == only
    return source.similar is not None if step == SIMILAR else source.step == step


def in_order(rows: list[Found]) -> list[Found]:
    """Each row once: the best matches first, of these the viewer's own, of these the newest."""
    newest = sorted(rows, key=lambda row: (row.at or LONG_AGO, row.pk), reverse=True)
    ranked: dict[int, Found] = {}
    for row in sorted(newest, key=lambda row: (row.rank, not row.is_own)):
        ranked.setdefault(row.pk, row)
    return list(ranked.values())


@kept_by_access
def _rows(principal, way: str, keys: tuple[str, ...], shape: Shape, limit: int, is_few: bool, **given: str) -> QuerySet:
    ask = Ask(principal, filled(shape, given), limit, is_few)
    branches = [branch for key in keys for branch in getattr(sources[key], way)(ask)]
    if not branches:
        return get_user_model()._base_manager.none()
    return branches[0].union(*branches[1:], all=True) if len(branches) > 1 else branches[0]


def register_recent(find: Callable[[Any, list[int]], list[Hit]]) -> None:
    """`find(user, client_ids)` returns the clients among the ids that the user may see, in the same order, in one
    query.
    """
    _recent[:] = [find]


def recent(principal, client_ids: list[int]) -> list[Hit]:
    return _recent[0](principal, client_ids) if _recent and client_ids else []


ABOUT_AT_MOST = 4


def common(principal) -> list[Hit]:
    return [command.hit() for command in palette.shown(principal) if command.is_common]


def commands(principal, text: str, recent_ids: list[int], *, limit: int = 10) -> tuple[list[Hit], bool]:
    """Commands and pages that match the text, and whether it begins like one of them; then they come before the search
    results.
    """
    words = text.casefold().split()
    known = [_page(entry) for entry in navigation.entries.shown(principal)] + palette.shown(principal)
    found: list[Hit] = []
    subjects: dict[tuple[Any, str], list[Hit]] = {}
    is_first = False
    for command in known if words else ():
        named = _named(command, words)
        rest = words[named:]
        if not named or (rest and command.about is None):
            continue
        is_first = is_first or (len(text) > 1 and str(command.label).casefold().startswith(words[0]))
        if command.about is None:
            found.append(command.hit())
            continue
        asked = command.about, " ".join(_without_joints(rest))
        if asked not in subjects:
            subjects[asked] = command.about(principal, asked[1], recent_ids, ABOUT_AT_MOST)
        found += [_about(command, hit) for hit in subjects[asked]]
        if not rest:
            found.append(command.hit())
    return found[:limit], is_first


def _page(entry: navigation.NavEntry) -> Command:
    return Command(f"page-{entry.key}", entry.label, entry.url_name, entry.icon)


def _named(command: Command, words: list[str]) -> int:
    """How many of the leading words begin a word of its names."""
    names = f"{command.label} {command.words}".casefold()
    if command.about is None:  # any part of a name will do
        return len(words) if all(word in names for word in words) else 0
    parts, count = names.split(), 0
    while count < len(words) and any(part.startswith(words[count]) for part in parts):
        count += 1
    return count


def _without_joints(words: list[str]) -> list[str]:
    joints = set(_("a an at for the to with").split())
    while words and words[0] in joints:
        words = words[1:]
    return words


def _about(command: Command, hit: Hit) -> Hit:
    title = str(command.title) % {"name": hit.title}
    return Hit(title, command.url(hit.pk), "", command.icon, detail=hit.detail, is_dialog=command.is_dialog)
