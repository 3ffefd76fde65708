"""The fields of an engagement, and the field by which other records name theirs."""

from dataclasses import replace
from functools import partial
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clients.engagements.choices import EngagementState
from clients.engagements.models import Engagement, EngagementKind
from clients.engagements.words import MANY, ONE, Said, is_on
from clients.records.models import Client
from crm.core.fields.catalogue import FREE_WORDS, READ, Catalogue, Field, grouped
from crm.core.fields.custom.entries import CustomFields
from crm.core.fields.types import AMOUNT, COLLEAGUE, CURRENCY, choice, link
from crm.core.listing import filters
from crm.core.listing.paging import Sort

ENGAGEMENT_FIELDS = Catalogue(
    Engagement,
    Field("client", type=link(Client.objects.kept), is_imported=False, is_fixed=True, filter=filters.Id),
    *grouped(
        "form",
        Field(
            "number",
            aliases=("matter number", "job number", "mandate number", "project number", "reference", "aktenzeichen"),
            api={"required": False},
            is_optional=True,
            is_on_page=False,
        ),
        Field(
            "title",
            aliases=("name", "matter", "matter name", "mandate", "job", "project", "project name", "subject"),
            is_required=True,
            privacy=FREE_WORDS,
            is_on_page=False,
            input={"widget": partial(forms.TextInput, attrs={"autocomplete": "off"})},
        ),
        Field(
            "kind",
            type=replace(link(EngagementKind.objects.kept), words_key="engagement kind"),
            aliases=("type", "practice area", "matter type"),
            is_on_page=False,
            filter=filters.Id,
        ),
        Field(
            "lead",
            type=COLLEAGUE,
            aliases=("owner", "responsible", "partner", "project manager"),
            is_on_page=False,
            api={"required": False},
            filter=filters.PersonId,
        ),
        Field(
            "opened_date",
            aliases=("opened on", "open date", "start date", "start"),
            is_on_page=False,
            sort=Sort("opened_date", nullable=True),
            filter={
                "opened_from": filters.Day(lookup_expr="gte", label=_("Opened from")),
                "opened_before": filters.Day(lookup_expr="lt", label=_("Opened before")),
            },
        ),
        Field("budget", type=AMOUNT, aliases=("estimate", "fee estimate", "amount"), is_on_page=False),
        Field("currency", type=CURRENCY, aliases=("currency code",), is_optional=True, is_on_page=False),
        Field(
            "description",
            aliases=("notes", "comment"),
            privacy=FREE_WORDS,
            is_on_page=False,
            input={"max_length": 10_000},
        ),
    ),
    Field("state", type=choice(EngagementState), aliases=("status",), api=READ, filter=filters.Choice),
    Field("team", type=COLLEAGUE, aliases=("members", "team members", "colleagues"), api=READ),
    Field("closed_date", aliases=("closed on", "close date", "end date"), api=READ),
    Field("is_restricted", is_imported=False, api=READ),
    internal={"custom": "the values of the firm's own fields"},
    custom=CustomFields("engagement", MANY, kind_column="", order=50, is_inline=True, shown=lambda principal: is_on()),
)


def engagement_field(**told: Any) -> Field:
    """The engagement that another record names. The form offers those of its client; a file names one by its number."""
    return Field(
        "engagement",
        ONE,
        type=link(Engagement.objects.kept, named="number"),
        filter={
            "engagement": filters.Picked(
                label=ONE,
                chip=Said(_("%(One)s is")),
                named=Engagement,
                url="clients:engagement_options",
                shown=is_on,
            ),
        },
        is_used=is_on,
        **{"is_imported": False} | told,
    )
