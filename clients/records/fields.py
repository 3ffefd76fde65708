"""The fields of a client."""

from django.utils.translation import gettext_lazy as _

from clients.catalogue.models import Tag
from clients.records.choices import Channel, LeavingReason, OnboardingState, Status
from clients.records.models import Client
from crm.core.fields.catalogue import FREE_WORDS, PERSONAL, READ, Catalogue, Field
from crm.core.fields.types import AMOUNT, COLLEAGUE, COUNTRY, DAY, LANGUAGE, MOMENT, WHOLE, ZONE, Type, choice, link
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


def leaving_reason(client: Client) -> str:
    """Why the client left, as its present period says; "" for one that is here."""
    since = client.facts.status_since
    return next((period.reason for period in client.status_periods.all() if period.start_date == since), "")


CLIENT_FIELDS = Catalogue(
    Client,
    Field("name", type=Type(), aliases=NAME, privacy=PERSONAL, sort="name_key"),
    Field(
        "status",
        _("Status"),
        choice(Status),
        "facts.status",
        aliases=("client status", "lifecycle"),
        api=None,
        sort="facts__status",
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
        _("Reason of leaving"),
        choice(LeavingReason),
        leaving_reason,
        aliases=("reason", "churn reason"),
        api=None,
    ),
    Field("kind"),
    Field("relationship"),
    Field(
        "parent",
        type=link(Client.objects.kept),
        cell="parent_external_id",
        header=_("Part of (id)"),
        aliases=("parentid", "parent id", "parent account id"),
    ),
    Field(
        "owner",
        type=COLLEAGUE,
        aliases=("account owner", "owner name", "supportrep", "sales rep", "responsible"),
        help_text=_("Name or e-mail"),
        api={"required": False},
        sort="owner__name",
        is_inline=True,
    ),
    Field("team", type=link(lambda: Team.objects.filter(archived_at=None))),
    Field("tags", type=link(Tag.objects.all), aliases=("labels",), help_text=_("Several with ; or ,")),
    Field("tier", aliases=("class", "abc"), sort="tier", is_inline=True),
    Field("industry", aliases=("sector", "branche"), is_inline=True),
    Field("source", aliases=("lead source", "account source")),
    Field("time_zone", type=ZONE, aliases=("timezone",), is_lenient=True),
    Field("language", type=LANGUAGE, aliases=("locale",)),
    Field("preferred_channel", aliases=("preferred channel",)),
    Field("salutation", aliases=("salutation",), privacy=PERSONAL),
    Field("website", aliases=("url", "web", "homepage", "domain", "company domain name"), is_lenient=True),
    Field(
        "email",
        aliases=("mail", "email address", "company email"),
        is_lenient=True,
        is_inline=True,
        privacy=PERSONAL,
    ),
    Field(
        "phone",
        aliases=("telephone", "phone number", "telefon"),
        is_lenient=True,
        is_inline=True,
        privacy=PERSONAL,
    ),
    Field(
        "street",
        aliases=("address", "billing street", "billingstreet", "street address", "strasse"),
        privacy=PERSONAL,
    ),
    Field(
        "postal_code",
        aliases=("zip", "zip code", "billing postal code", "billingpostalcode", "postcode", "plz"),
        privacy=PERSONAL,
    ),
    Field("city", aliases=("billing city", "billingcity", "town", "ort")),
    Field("region", aliases=("state", "billing state", "billingstate", "province", "county")),
    Field("country", type=COUNTRY, aliases=("billing country", "billingcountry", "land"), is_lenient=True),
    Field("goals", header=_("Goals"), privacy=FREE_WORDS),
    Field("expectations", header=_("Expectations"), aliases=("expectations",), privacy=FREE_WORDS),
    Field("notes", aliases=("description", "comments", "beschreibung"), privacy=FREE_WORDS),
    Field("is_restricted", is_imported=False, api=READ),
    *(
        Field(name, label, kind, f"facts.{name}", is_imported=False, api=None, sort=f"facts__{name}")
        for name, label, kind in (
            ("active_since", _("Client since"), DAY),
            ("last_contact_at", _("Last contact"), MOMENT),
            ("last_contact_channel", _("Last contact by"), choice(Channel)),
            ("contact_due_at", _("To be contacted by"), DAY),
            ("next_step_at", _("Next step"), MOMENT),
            ("open_follow_ups", _("Open follow-ups"), WHOLE),
            ("health_score", _("Health"), WHOLE),
            ("nps_score", _("NPS"), WHOLE),
            ("nps_at", _("NPS answered"), MOMENT),
            ("revenue_12m", _("Revenue, 12 months"), AMOUNT),
            ("onboarding_state", _("Onboarding"), choice(OnboardingState)),
            ("onboarding_done", _("Onboarding tasks done"), WHOLE),
            ("onboarding_total", _("Onboarding tasks"), WHOLE),
        )
    ),
    internal={
        "phone_digits": "computed from the phone",
        "custom": "fields of the firm's own, which nothing offers yet",
        "archived_by": "set by moving it to the trash",
    },
)
