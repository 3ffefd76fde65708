"""The client list's search, filters and sorts. All of it is in the address; list, export and API read the same."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.catalogue.models import Tag
from clients.phones import bare_digits, digits_of
from clients.records.choices import OnboardingState, Status, Tier
from clients.records.models import Client
from clients.records.queries import matching
from crm.core.firm.queries import firm_today, get_firm
from crm.core.listing.paging import Sort
from crm.core.users.models import Team, User

SORTS = {
    "name": Sort("name_key"),
    "status": Sort("facts__status", pk="facts__client"),
    "tier": Sort("tier"),
    "next": Sort("facts__next_step_at", nullable=True, pk="facts__client"),
    "contact": Sort("facts__last_contact_at", nullable=True, pk="facts__client"),
    "revenue": Sort("facts__revenue_12m", pk="facts__client"),
    "nps": Sort("facts__nps_score", nullable=True, pk="facts__client"),
    "created": Sort("created_at"),
}
SORT_WORDS = {
    "name": gettext_lazy("sorted by name"),
    "status": gettext_lazy("sorted by status"),
    "tier": gettext_lazy("sorted by tier"),
    "next": gettext_lazy("sorted by next step"),
    "contact": gettext_lazy("sorted by last contact"),
    "revenue": gettext_lazy("sorted by revenue"),
    "nps": gettext_lazy("sorted by NPS"),
    "created": gettext_lazy("sorted by when they were entered"),
}
STEPS = {"none": gettext_lazy("none"), "overdue": gettext_lazy("overdue"), "week": gettext_lazy("within a week")}
KEYS = ("q", "status", "owner", "team", "tier", "tag", "industry", "country", "step", "quiet", "onboarding", "archived")
MULTIPLE = ("status", "tier", "onboarding")
MAX_ID = 2**63 - 1


@dataclass
class ClientFilter:
    """`values` holds the parameters that were understood. Others are ignored, so that an old link still opens the list."""

    values: dict = field(default_factory=dict)
    sort_key: str = "name"

    @classmethod
    def read(cls, query: QueryDict) -> "ClientFilter":
        values: dict = {}
        known = {
            "status": Status.values,
            "tier": [*Tier.values, "none"],
            "onboarding": OnboardingState.values,
        }
        for key in MULTIPLE:
            if chosen := [value for value in dict.fromkeys(query.getlist(key)) if value and value in known[key]]:
                values[key] = chosen
        for key in ("q", "industry", "country"):
            if text := query.get(key, "").replace("\0", "").strip()[:100]:
                values[key] = text
        for key in ("owner", "team", "tag"):
            text = query.get(key, "")
            if text == "me" and key == "owner":
                values[key] = "me"
            elif text.isascii() and text.isdigit() and int(text) <= MAX_ID:
                values[key] = int(text)
        if query.get("step") in STEPS:
            values["step"] = query["step"]
        for key in ("quiet", "archived"):
            if query.get(key) in ("1", "true", "on"):
                values[key] = "1"
        sort = query.get("sort", "")
        return cls(values, sort if sort.lstrip("-") in SORTS else "name")

    @property
    def sort(self) -> Sort:
        base = SORTS[self.sort_key.lstrip("-")]
        if not self.sort_key.startswith("-"):
            return base
        return Sort(base.field, descending=True, nullable=base.nullable, pk=base.pk)

    def apply(self, clients: QuerySet, user, now: datetime) -> QuerySet:
        """Narrow `clients` (already visible to the user)."""
        values = self.values
        clients = clients.archived() if values.get("archived") else clients.kept()
        if self.sort.field.startswith("facts__"):
            clients = clients.filter(
                facts__isnull=False
            )  # an inner join, so that the index of the fact gives the order
        if "q" in values:
            clients = search(clients, values["q"])
        if "status" in values:
            clients = clients.filter(facts__status__in=values["status"])
        if "owner" in values:
            clients = clients.filter(owner=user if values["owner"] == "me" else values["owner"])
        if "team" in values:
            clients = clients.filter(team=values["team"])
        if "tier" in values:
            clients = clients.filter(tier__in=["" if tier == "none" else tier for tier in values["tier"]])
        if "tag" in values:
            clients = clients.filter(pk__in=Client.tags.through.objects.filter(tag=values["tag"]).values("client_id"))
        if "industry" in values:
            clients = clients.filter(industry__iexact=values["industry"])
        if "country" in values:
            clients = clients.filter(country=values["country"].upper())
        if "onboarding" in values:
            clients = clients.filter(facts__onboarding_state__in=values["onboarding"])
        if "step" in values:
            clients = clients.filter(_step(values["step"], now))
        if "quiet" in values:
            clients = clients.quiet(firm_today(now))
        return clients

    def chips(self, principal, query: QueryDict) -> list[dict]:
        """The filters that are set, in words, each with the address of the list without it. One query for each named user, team or tag."""
        return [
            {"label": label, "value": words, "remove_url": "?" + _without(query, key).urlencode()}
            for key, (label, words) in self._words(principal).items()
        ]

    def _words(self, principal) -> dict[str, tuple[str, str]]:
        words: dict[str, tuple[str, str]] = {}
        for key, value in self.values.items():
            if key in _CHIPS:
                label, text_of = _CHIPS[key]
                words[key] = (label, text_of(value, principal.user))
        return words


def _without(query: QueryDict, key: str) -> QueryDict:
    rest = query.copy()
    for name in (key, "cursor"):
        rest.pop(name, None)
    return rest


def _labels(enum):
    labels = dict(enum.choices) | {"none": _("none")}
    return lambda values, user: ", ".join(str(labels[value]) for value in values)


def _name_of(model):
    return lambda pk, user: model.objects.filter(pk=pk).values_list("name", flat=True).first() or _("unknown")


_CHIPS = {
    "status": (gettext_lazy("Status is"), _labels(Status)),
    "owner": (gettext_lazy("Owner is"), lambda value, user: _("me") if value == "me" else _name_of(User)(value, user)),
    "team": (gettext_lazy("Team is"), _name_of(Team)),
    "tier": (gettext_lazy("Tier is"), _labels(Tier)),
    "tag": (gettext_lazy("Tag is"), _name_of(Tag)),
    "industry": (gettext_lazy("Industry is"), lambda value, user: value),
    "country": (gettext_lazy("Country is"), lambda value, user: value.upper()),
    "step": (gettext_lazy("Next step is"), lambda value, user: STEPS[value]),
    "quiet": (gettext_lazy("Contact"), lambda value, user: _("going quiet")),
    "onboarding": (gettext_lazy("Onboarding is"), _labels(OnboardingState)),
    "archived": (gettext_lazy("In"), lambda value, user: _("the trash")),
}


def search(clients: QuerySet, text: str) -> QuerySet:
    """By name, city, website, mail; by phone in any spelling."""
    bare = bare_digits(text)
    if len(bare) >= 5 and not any(c.isalpha() for c in text):
        return clients.filter(
            Q(search_key__contains=bare.lstrip("0"))
            | Q(search_key__contains=digits_of(text, get_firm().holiday_country))
        )
    return matching(clients, text)


def _step(wanted: str, now: datetime) -> Q:
    if wanted == "none":
        return Q(facts__next_step_at=None, facts__isnull=False)
    if wanted == "overdue":
        start_of_day = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
        return Q(facts__next_step_at__lt=start_of_day)
    return Q(facts__next_step_at__gte=now, facts__next_step_at__lt=now + timedelta(days=7))
