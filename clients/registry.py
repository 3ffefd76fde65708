"""What other apps add to clients and to the client's page. They register it in their `hooks.py`; panels register where
they are defined.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar

from django.utils.translation import gettext as _

from crm.core.base.errors import MovedRecord, ServiceError
from crm.core.base.registry import Registry

Context = TypeVar("Context", bound=Callable[..., Any])


@dataclass(frozen=True)
class Panel:
    """A panel of the client's page, with its own URL (`clients:panel`), where it can be reloaded or opened alone.

    `slot`: "strip" (a cell of the metric strip), "main" (above the timeline, such as the composer) or "side" (a card).
    `context(principal, client, now)` returns the template's variables, or None to show nothing; `client`, `request`,
    `now`, `user` and `may_edit` are added. At most two indexed queries each. A panel with `is_late` is a link with its
    `title` until it scrolls into view. `shown(principal)` says for whom it is. Declared by `panel`, above its
    `context`.
    """

    key: str
    slot: str
    order: int
    template: str
    context: Callable[[Any, Any, datetime], dict[str, Any] | None]
    title: Any = ""
    is_late: bool = False
    shown: Callable[[Any], bool] | None = None


@dataclass(frozen=True)
class ContactPanel:
    """A card on the page of a contact. `context(principal, contact, now)` returns the template's variables;
    `contact.places` are the affiliations that the principal may see. Declared by `contact_panel`, above its
    `context`.
    """

    key: str
    order: int
    template: str
    context: Callable[[Any, Any, datetime], dict[str, Any]]


@dataclass(frozen=True)
class Tab:
    """A page of its own beside the timeline: `url_name` takes the client's id as `client_id`. `count(principal,
    client)` may be None, or return a number from facts already loaded.
    """

    key: str
    label: Any
    url_name: str
    order: int
    count: Callable[[Any, Any], int | None] | None = None


@dataclass(frozen=True)
class TimelineItem:
    """One entry. `tone`: "main" or "quiet" (system events). `template` renders `item.object`; without one, `title` is shown."""

    at: datetime
    key: str
    kind: str
    title: str
    icon: str
    tone: str = "main"
    template: str = ""
    object: Any = None
    is_pinned: bool = False
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TimelineAsk:
    """What a reader wants of a timeline: at most `limit` entries with at < `before` (None: now and later too), of a
    `kind` ("": all of the source), with `text` in what was written, and of one colleague or contact.
    """

    before: datetime | None
    limit: int
    kind: str = ""
    text: str = ""
    user_id: int | None = None
    contact_id: int | None = None
    engagement_id: int | None = None

    @property
    def is_narrowed(self) -> bool:
        return bool(self.text or self.user_id or self.contact_id or self.engagement_id)

    @property
    def given(self) -> dict[str, Any]:
        """The moment, the persons and the engagement, as parameters of a cached statement."""
        return {
            "before": self.before,
            "user_id": self.user_id,
            "contact_id": self.contact_id,
            "engagement_id": self.engagement_id,
        }


@dataclass(frozen=True)
class TimelineSource:
    """`items(principal, client, ask)` returns the TimelineItems of a TimelineAsk, newest first, in at most two indexed
    queries (prefetches counted). `kinds`: [(key, label)] for the filter, which lists sources by `order`. What a source
    cannot narrow by, it has nothing of. `shared`: a template that its entries share, once on a page.
    """

    key: str
    kinds: list[tuple[str, Any]]
    items: Callable[[Any, Any, TimelineAsk], list[TimelineItem]]
    order: int = 50
    shared: str = ""


@dataclass(frozen=True)
class ListAction:
    """An action on the clients of a list: a page that reads the list's query parameters."""

    key: str
    label: Any
    url_name: str
    shown: Callable[[Any], bool] | None = None


@dataclass(frozen=True)
class FactsRebuilder:
    """`rebuild(client_ids, now)` recomputes the app's own fields of ClientFacts for these clients, in a few statements."""

    key: str
    rebuild: Callable[[list[int], datetime], None]


@dataclass(frozen=True)
class NextStep:
    """`due`: a date, or a datetime if the step has a time."""

    title: str
    due: date | datetime
    snoozed_until: datetime | None = None


@dataclass(frozen=True)
class NextSteps:
    """`steps(principal, clients)` returns {`ClientFacts.next_step_id`: NextStep} of the steps that the principal may
    see, in at most one statement.
    """

    key: str
    steps: Callable[[Any, list[Any]], dict[int, NextStep]]


@dataclass(frozen=True)
class WonAction:
    """What may come next when an opportunity was won: a link on its page. `url(opportunity)` is its address."""

    key: str
    label: Any
    url: Callable[[Any], str]
    shown: Callable[[Any], bool] | None = None


@dataclass(frozen=True)
class ReferralAction:
    """A button beside a referral: POST to `url(referral)`. `offered(referrals)` returns the ids of those that have it, in at most one
    statement.
    """

    key: str
    label: Any
    url: Callable[[Any], str]
    offered: Callable[[list[Any]], set[int]]


@dataclass(frozen=True)
class EngagementPanel:
    """A part of the page of an engagement: above its timeline (`slot` "main"), beside it ("side"), or on one of its tabs (the tab's key, or
    "<key>-side"), which is loaded when it is opened. `context(principal, engagement, now)` returns the template's variables, or None to
    show nothing; `engagement`, `client`, `now` and `may_edit` are added. At most two indexed queries each. Declared by
    `engagement_panel`, above its `context`.
    """

    key: str
    slot: str
    order: int
    template: str
    context: Callable[[Any, Any, datetime], dict[str, Any] | None]


@dataclass(frozen=True)
class EngagementTab:
    """A tab beside the timeline of an engagement, with the panels whose `slot` is its key."""

    key: str
    label: Any
    order: int


@dataclass(frozen=True)
class RestrictedNames:
    """A table under Restricted clients: `context()` returns the template's variables, or None."""

    key: str
    template: str
    context: Callable[[], dict[str, Any] | None]


@dataclass(frozen=True)
class OpenEnds:
    """What an engagement still has when it is closed or restricted: `words(principal, engagement)`, "" for nothing. `let_go(engagement)`
    takes it off what only the archive holds, before it is restricted.
    """

    key: str
    words: Callable[[Any, Any], str]
    let_go: Callable[[Any], None] = lambda engagement: None


@dataclass(frozen=True)
class Naming:
    """A model whose rows name an engagement by `path`. `key` is its label, such as "clients.document". What was written of such rows, and
    says which, is taken back when the engagement is restricted.
    """

    key: str
    path: str = "engagement"


@dataclass(frozen=True)
class Successor:
    """`key` is the label of a model. `find(principal, pk)`: the record into which this one was merged, if the principal sees it;
    `is_merged(pk)`: whether it was merged into another. `taken_in(principal, pk)`: [(words, address, id of the other record)] of
    the merges into this one. `contexts(pk)` name in the history what its merges and their undo wrote. `standing(pks)`: {record: what
    it was merged into}.
    """

    key: str
    find: Callable[[Any, int], Any]
    is_merged: Callable[[int], bool]
    taken_in: Callable[[Any, int], list[tuple[str, str, int]]]
    contexts: Callable[[int], list[Any]]
    standing: Callable[[list[int]], dict[int, int]]


panels: Registry[Panel] = Registry("panel")
contact_panels: Registry[ContactPanel] = Registry("panel of a contact")
tabs: Registry[Tab] = Registry("tab")
timeline_sources: Registry[TimelineSource] = Registry("timeline source")
list_actions: Registry[ListAction] = Registry("list action")
facts_rebuilders: Registry[FactsRebuilder] = Registry("facts rebuilder")
next_steps: Registry[NextSteps] = Registry("source of next steps")
won_actions: Registry[WonAction] = Registry("action after a win")
referral_actions: Registry[ReferralAction] = Registry("action beside a referral")
engagement_panels: Registry[EngagementPanel] = Registry("panel of an engagement")
engagement_tabs: Registry[EngagementTab] = Registry("tab of an engagement")
restricted_names: Registry[RestrictedNames] = Registry("names of what is restricted")
open_ends: Registry[OpenEnds] = Registry("open ends of an engagement")
naming: Registry[Naming] = Registry("model whose rows name an engagement")
money_of: Registry[OpenEnds] = Registry("money of an engagement, which keeps it from being restricted")
successors: Registry[Successor] = Registry("successor of a merged record")


def lead_on(principal: Any, model: Any, pk: int, argument: str) -> None:
    """For a row that is archived or out of sight: raises MovedRecord if it was merged into another that the principal sees."""
    source = successors.get(model._meta.label_lower)
    if source is not None and (now := source.find(principal, pk)):
        raise MovedRecord(now, pk=pk, argument=argument)


def refuse_merged(row: Any) -> None:
    """Raises ServiceError if the row was merged into another: it comes back by the undo of the merge, not by itself."""
    source = successors.get(row._meta.label_lower)
    if source is not None and source.is_merged(row.pk):
        raise ServiceError(_("This was merged into another record. Undo the merge to get it back."), code="conflict")


def panel(key: str, slot: str, order: int, template: str, **told: Any) -> Callable[[Context], Context]:
    """Decorator: the function is the `context` of a panel of the client's page. `hooks.py` must import its module."""

    def declared(context: Context) -> Context:
        panels.register(Panel(key, slot, order, template, context, **told))
        return context

    return declared


def engagement_panel(key: str, slot: str, order: int, template: str) -> Callable[[Context], Context]:
    """As `panel`, for a card on the page of an engagement."""

    def declared(context: Context) -> Context:
        engagement_panels.register(EngagementPanel(key, slot, order, template, context))
        return context

    return declared


def contact_panel(key: str, order: int, template: str) -> Callable[[Context], Context]:
    """As `panel`, for a card on the page of a contact."""

    def declared(context: Context) -> Context:
        contact_panels.register(ContactPanel(key, order, template, context))
        return context

    return declared
