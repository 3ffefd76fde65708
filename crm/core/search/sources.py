"""Search and commands: apps register both in their `hooks.py`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from crm.core.base.registry import Registry
from crm.core.ui import navigation


@dataclass(frozen=True)
class Hit:
    """`pk` for hits that a command can apply to; `fields`: choosing it POSTs them; `fill`: choosing it puts this text
    into the search field; `is_dialog`: its page opens in the shared dialog.
    """

    title: str
    url: str
    kind: str
    icon: str
    detail: str = ""
    pk: int = 0
    fields: Mapping[str, str] | None = None
    fill: str = ""
    is_dialog: bool = False


@dataclass(frozen=True)
class Source:
    """`find(user, text, limit)` returns hits through `visible_to(user)`, best first, in one or two indexed queries."""

    key: str
    label: Any
    order: int
    find: Callable[[Any, str, int], list[Hit]]


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
            return Hit(str(self.label), self.url(), "page", self.icon, fields=self.fields, is_dialog=self.is_dialog)
        fill = f"{self.label} "
        url = f"{reverse('core:search')}?{urlencode({'q': fill})}"
        return Hit(f"{self.label} …", url, "page", self.icon, detail=_("Type a name"), fill=fill)


sources: Registry[Source] = Registry("search source")
palette: Registry[Command] = Registry("command")  # pages in the navigation are found anyway
register = sources.register
_recent: list[Callable[[Any, list[int]], list[Hit]]] = []


def find(principal, text: str, *, limit: int = 8) -> list[tuple[Source, list[Hit]]]:
    """Hits by source, empty sources left out. An empty text finds nothing."""
    text = text.strip()[:100]
    if not text:
        return []
    found = ((source, source.find(principal, text, limit)) for source in sources)
    return [(source, hits) for source, hits in found if hits]


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
    return Hit(title, command.url(hit.pk), "page", command.icon, detail=hit.detail, is_dialog=command.is_dialog)
