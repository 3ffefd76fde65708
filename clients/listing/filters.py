"""What the client list is filtered by: the same for page, files, selected rows, survey audiences and the API."""

from datetime import timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clients.catalogue.models import Tag
from clients.contacts.models import Affiliation, Contact
from clients.contacts.queries import find_contacts
from clients.fields import country_names
from clients.phones import bare_digits, digits_of
from clients.records.choices import ClientKind, OnboardingState, Relationship, Status, Tier
from clients.records.models import Client
from clients.records.queries import matching
from crm.core.firm.queries import firm_today, get_firm
from crm.core.listing import filters
from crm.core.listing.filters import TrashFilters
from crm.core.users.models import Team, User

STEPS = [("none", _("none")), ("overdue", _("overdue")), ("week", _("within a week"))]
OFFERED = 300


def _people(found):
    return [("me", _("Me")), *User.objects.active().values_list("pk", "name")]


def _teams(found):
    return Team.objects.filter(archived_at=None).values_list("pk", "name")


def _tags(found):
    return Tag.objects.values_list("pk", "name")


def _used(found, column):
    rows = Client.objects.visible_to(found.principal).kept().exclude(**{column: ""})
    return rows.order_by(column).values_list(column, flat=True).distinct()[:OFFERED]


def _industries(found):
    return [(name, name) for name in _used(found, "industry")]


def _countries(found):
    names = country_names()
    return [(code, names.get(code, code)) for code in _used(found, "country")]


class ClientFilters(TrashFilters):
    q = filters.Search(method="search", label=_("name, city, website, mail or phone"))
    owner = filters.PersonId("owner", label=_("Account manager"), chip=_("Owner is"), named=User, offers=_people)
    team = filters.Id("team", label=_("Team"), chip=_("Team is"), named=Team, offers=_teams)
    status = filters.Choices("facts__status", choices=Status.choices, label=_("Status"), chip=_("Status is"))
    tier = filters.Choices(
        choices=[*Tier.choices, ("none", _("None"))], method="of_tier", label=_("Tier"), chip=_("Tier is")
    )
    step = filters.Choice(choices=STEPS, method="by_step", label=_("Next step"), chip=_("Next step is"))
    onboarding = filters.Choices(
        "facts__onboarding_state",
        choices=[pair for pair in OnboardingState.choices if pair[0]],
        label=_("Onboarding"),
        chip=_("Onboarding is"),
    )
    tag = filters.Id("tags", method="with_tag", label=_("Tag"), chip=_("Tag is"), named=Tag, offers=_tags)
    industry = filters.Text("industry", "iexact", label=_("Industry"), chip=_("Industry is"), offers=_industries)
    country = filters.Text("country", "iexact", label=_("Country"), chip=_("Country is"), offers=_countries)
    relationship = filters.Choice(choices=Relationship.choices, label=_("Relationship"), chip=_("Relationship is"))
    kind = filters.Choice(choices=ClientKind.choices, label=_("Kind"), chip=_("Kind is"))
    quiet = filters.Yes(
        method="gone_quiet",
        label=_("Going quiet"),
        help_text=_("No contact for longer than their tier allows"),
        chip=_("Contact"),
        said=lambda value, principal: _("going quiet"),
    )
    updated_from = filters.Moment("updated_at", "gte", label=_("Changed since"))

    class Meta:
        model = Client
        fields: list[str] = []

    def search(self, rows, name, value):
        return search(rows, value)

    def of_tier(self, rows, name, value):
        return rows.filter(tier__in=["" if tier == "none" else tier for tier in value])

    def with_tag(self, rows, name, value: int):
        return rows.filter(pk__in=Client.tags.through.objects.filter(tag=value).values("client_id"))

    def by_step(self, rows, name, value):
        if value == "none":
            return rows.filter(facts__next_step_at=None, facts__isnull=False)
        if value == "overdue":
            start_of_day = timezone.localtime(self.now).replace(hour=0, minute=0, second=0, microsecond=0)
            return rows.filter(facts__next_step_at__lt=start_of_day)
        return rows.filter(facts__next_step_at__gte=self.now, facts__next_step_at__lt=self.now + timedelta(days=7))

    def gone_quiet(self, rows, name, value: bool):
        return rows.quiet(firm_today(self.now)) if value else rows


class ContactFilters(TrashFilters):
    q = filters.Search(method="search", label=_("name, mail or phone"))
    client = filters.Id(method="at_client", label=_("Client"), chip=_("Client is"), named=Client)
    email = filters.Text("emails__address", "iexact", label=_("E-mail"), chip=_("E-mail is"))
    updated_from = filters.Moment("updated_at", "gte", label=_("Changed since"))

    class Meta:
        model = Contact
        fields: list[str] = []

    def search(self, rows, name, value):
        return find_contacts(rows, value)

    def at_client(self, rows, name, value: int):
        """Never reveals affiliations with clients the principal does not see."""
        places = Affiliation.objects.visible_to(self.principal).filter(client=value)
        return rows.filter(pk__in=places.values("contact_id"))


def search(clients: QuerySet, text: str) -> QuerySet:
    """By name, city, website, mail; by phone in any spelling."""
    bare = bare_digits(text)
    if len(bare) >= 5 and not any(c.isalpha() for c in text):
        return clients.filter(
            Q(search_key__contains=bare.lstrip("0"))
            | Q(search_key__contains=digits_of(text, get_firm().holiday_country))
        )
    return matching(clients, text)
