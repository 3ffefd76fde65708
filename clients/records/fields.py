"""The fields of a client."""

from dataclasses import replace
from functools import partial

from django.utils.translation import gettext_lazy as _

from clients.catalogue.models import Tag
from clients.phones import tel_href
from clients.records.choices import Channel, ClientKind, LeavingReason, OnboardingState, Status, Tier
from clients.records.models import Client
from crm.core.fields.catalogue import FREE_WORDS, PERSONAL, READ, Catalogue, Field, derived, grouped
from crm.core.fields.custom.entries import CustomFields
from crm.core.fields.custom.values import Link, links
from crm.core.fields.forms import country_names
from crm.core.fields.types import (
    AMOUNT,
    COLLEAGUE,
    COUNTRY,
    DAY,
    LANGUAGE,
    MOMENT,
    WHOLE,
    ZONE,
    Type,
    choice,
    limited,
    link,
)
from crm.core.listing import filters
from crm.core.listing.paging import Sort
from crm.core.ui.forms import SearchedField
from crm.core.users.models import Team

NAME = (
    "company",
    "account name",
    "company name",
    "organisation",
    "organization",
    "client",
    "client name",
    "customer",
    "firma",
)
STEPS = [("none", _("none")), ("overdue", _("overdue")), ("week", _("within a week"))]
OFFERED = 300


def leaving_reason(client: Client) -> str:
    """The reason for leaving in the client's current period; "" if the client has not left."""
    since = client.facts.status_since
    return next((period.reason for period in client.status_periods.all() if period.start_date == since), "")


def _bare(site: str) -> str:
    return site.removeprefix("https://").removeprefix("http://").removeprefix("www.")


def _used(found, column):
    rows = Client.objects.visible_to(found.principal).kept().exclude(**{column: ""})
    return rows.order_by(column).values_list(column, flat=True).distinct()[:OFFERED]


def _industries(found):
    return [(name, name) for name in _used(found, "industry")]


def _countries(found):
    names = country_names()
    return [(code, names.get(code, code)) for code in _used(found, "country")]


def _tags(found):
    return Tag.objects.values_list("pk", "name")


def _of_facts(column: str, nullable: bool = True) -> Sort:
    return Sort(f"facts__{column}", nullable=nullable, pk="facts__client")


links.register(
    Link("client", Client, lambda principal: Client.objects.visible_to(principal).kept(), "/clients/options/")
)
CLIENT_FIELDS = Catalogue(
    Client,
    Field("name", type=Type(), aliases=NAME, privacy=PERSONAL, sort=Sort("name_key")),
    Field(
        "status",
        _("Status"),
        choice(Status),
        "facts.status",
        aliases=("client status", "lifecycle"),
        api=None,
        filter=filters.Choices,
        sort=_of_facts("status", nullable=False),
    ),
    Field(
        "status_date",
        _("Status since"),
        DAY,
        "facts.status_since",
        aliases=("since", "client since", "start date", "active since"),
        api=None,
    ),
    Field(
        "leaving_reason",
        _("Reason for leaving"),
        choice(LeavingReason),
        leaving_reason,
        ("facts__status_since", "status_periods"),
        aliases=("reason", "churn reason"),
        api=None,
    ),
    Field(
        "owner",
        type=COLLEAGUE,
        group="head",
        aliases=("account owner", "owner name", "supportrep", "sales rep", "responsible"),
        help_text=_("Name or email"),
        api={"required": False},
        filter=filters.PersonId,
        is_inline=True,
    ),
    *grouped(
        "care",
        Field(
            "team",
            type=replace(link(lambda: Team.objects.filter(archived_at=None)), words_key="team"),
            filter=filters.Id,
        ),
        Field(
            "tier",
            aliases=("class", "abc"),
            is_inline=True,
            filter={"tier": filters.Choices(choices=[*Tier.choices, ("none", _("None"))], method="of_tier")},
            sort=Sort("tier"),
        ),
        Field(
            "tags",
            type=replace(link(Tag.objects.all), words_key="tag"),
            aliases=("labels",),
            help_text=_("Separate several with ; or ,"),
            filter={"tag": filters.Id(method="with_tag", label=_("Tag"), named=Tag, offers=_tags)},
            is_on_page=False,
        ),
    ),
    *grouped(
        "reach",
        Field(
            "email",
            aliases=("mail", "email address", "company email"),
            is_lenient=True,
            is_inline=True,
            privacy=PERSONAL,
            href=lambda client: f"mailto:{client.email}",
        ),
        Field(
            "phone",
            aliases=("telephone", "phone number", "telefon"),
            is_lenient=True,
            is_inline=True,
            privacy=PERSONAL,
            href=lambda client: tel_href(client.phone, client.country),
        ),
        Field("preferred_channel", aliases=("preferred channel",)),
        Field("salutation", aliases=("salutation",), privacy=PERSONAL),
        Field(
            "language",
            type=LANGUAGE,
            aliases=("locale",),
            hint=_("Language of emails to this client. Default: the firm's."),
        ),
        Field(
            "time_zone",
            type=ZONE,
            aliases=("timezone",),
            is_lenient=True,
            hint=_("For times of calls and of progress emails"),
        ),
    ),
    derived(
        "address",
        _("Address"),
        source=lambda client: "\n".join(client.address_lines),
        reads=("street", "postal_code", "city", "region", "country"),
        group="page",
        privacy=PERSONAL,
    ),
    *grouped(
        "address",
        Field(
            "street",
            aliases=("address", "billing street", "billingstreet", "street address", "strasse"),
            privacy=PERSONAL,
            is_on_page=False,
        ),
        Field(
            "postal_code",
            aliases=("zip", "zip code", "billing postal code", "billingpostalcode", "postcode", "plz"),
            privacy=PERSONAL,
            is_on_page=False,
        ),
        Field("city", aliases=("billing city", "billingcity", "town", "ort"), is_on_page=False),
        Field("region", aliases=("state", "billing state", "billingstate", "province", "county"), is_on_page=False),
        Field(
            "country",
            type=COUNTRY,
            aliases=("billing country", "billingcountry", "land"),
            is_lenient=True,
            filter={"country": filters.Country(offers=_countries)},
            is_on_page=False,
        ),
    ),
    *grouped(
        "who",
        Field("kind", filter=filters.Choice, is_on_page=False),
        Field("relationship", filter=filters.Choice, is_on_page=False),
        Field(
            "parent",
            label=_("Parent client"),
            type=link(Client.objects.kept),
            cell="parent_external_id",
            header=_("Part of (id)"),
            aliases=("parentid", "parent id", "parent account id"),
            input=partial(SearchedField, Client.objects.none(), url="/clients/options/", empty_label=_("None")),
            is_on_page=False,
        ),
        Field(
            "industry",
            aliases=("sector", "branche"),
            is_inline=True,
            filter={"industry": filters.Text(lookup_expr="iexact", offers=_industries)},
        ),
        Field(
            "website",
            type=replace(limited(255), say=_bare),
            aliases=("url", "web", "homepage", "domain", "company domain name"),
            is_lenient=True,
            href=lambda client: client.website_url,
        ),
        Field("source", aliases=("lead source", "account source")),
    ),
    *grouped(
        "words",
        Field("goals", _("Goals"), privacy=FREE_WORDS),
        Field("expectations", _("Expectations"), aliases=("expectations",), privacy=FREE_WORDS),
        Field("notes", aliases=("description", "comments", "beschreibung"), privacy=FREE_WORDS),
    ),
    Field("is_restricted", is_imported=False, api=READ),
    derived("active_since", _("Client since"), DAY, "facts.active_since"),
    derived(
        "last_contact_at",
        _("Last contact"),
        MOMENT,
        "facts.last_contact_at",
        key="contact",
        sort=_of_facts("last_contact_at"),
    ),
    derived("last_contact_channel", _("Last contact by"), choice(Channel), "facts.last_contact_channel"),
    derived("contact_due_at", _("Contact by"), DAY, "facts.contact_due_at"),
    derived(
        "next_step_at",
        _("Next step"),
        MOMENT,
        "facts.next_step_at",
        key="next",
        filter={"step": filters.Choice(choices=STEPS, method="by_step")},
        sort=_of_facts("next_step_at"),
    ),
    derived("open_follow_ups", _("Open follow-ups"), WHOLE, "facts.open_follow_ups"),
    derived("health_score", _("Health"), WHOLE, "facts.health_score"),
    derived("nps_score", _("NPS"), WHOLE, "facts.nps_score", key="nps", sort=_of_facts("nps_score")),
    derived("nps_at", _("NPS answered"), MOMENT, "facts.nps_at"),
    derived(
        "revenue_12m",
        _("Revenue, 12 months"),
        AMOUNT,
        "facts.revenue_12m",
        key="revenue",
        sort=_of_facts("revenue_12m", nullable=False),
    ),
    derived("unrated_12m", _("Revenue lines without a rate, 12 months"), WHOLE, "facts.unrated_12m"),
    derived(
        "onboarding_state",
        _("Onboarding"),
        choice(OnboardingState),
        "facts.onboarding_state",
        key="onboarding",
        filter=filters.Choices,
    ),
    derived("onboarding_done", _("Onboarding tasks done"), WHOLE, "facts.onboarding_done"),
    derived("onboarding_total", _("Onboarding tasks"), WHOLE, "facts.onboarding_total"),
    internal={
        "phone_digits": "computed from the phone",
        "custom": "the values of the firm's own fields",
        "archived_by": "set by moving it to the trash",
    },
    custom=CustomFields("client", _("Clients"), ClientKind.choices, order=10, is_inline=True),
)
