"""The fields of an opportunity."""

from dataclasses import replace

from django.db.models import F
from django.utils.translation import gettext_lazy as _

from clients.currencies.fields import PAID_IN, RATE
from clients.engagements.fields import engagement_field
from clients.opportunities.choices import OpportunityKind, OpportunityState
from clients.opportunities.models import Opportunity, Pipeline, Stage
from clients.revenue.fields import CLIENT, SERVICE
from clients.revenue.models import Contract
from crm.core.fields.catalogue import FREE_WORDS, READ, Catalogue, Field, grouped
from crm.core.fields.custom.entries import CustomFields
from crm.core.fields.types import AMOUNT, COLLEAGUE, choice, link
from crm.core.listing import filters
from crm.core.listing.paging import Sort
from crm.core.ui.formatting import number

# What other systems call the kinds.
_KINDS = {
    OpportunityKind.NEW: "new newbusiness neugeschäft",
    OpportunityKind.RENEWAL: "renewal renew verlängerung",
    OpportunityKind.UPSELL: "upsell up-sell existing existingbusiness",
    OpportunityKind.CROSS_SELL: "cross-sell crosssell",
}
KINDS = {word: kind for kind, words in _KINDS.items() for word in words.split()} | {
    "new business": OpportunityKind.NEW,
    "existing business": OpportunityKind.UPSELL,
}
_STATES = {
    OpportunityState.OPEN: "open active",
    OpportunityState.WON: "won gewonnen",
    OpportunityState.LOST: "lost verloren",
}
STATES = {word: state for state, words in _STATES.items() for word in words.split()} | {
    "closed won": OpportunityState.WON,
    "closed lost": OpportunityState.LOST,
}


def _stages(found):
    """By pipeline, where there are several."""
    rows = Stage.objects.kept().filter(pipeline__archived_at=None).select_related("pipeline")
    several = len({stage.pipeline_id for stage in rows}) > 1
    return [(stage.pk, f"{stage.pipeline} · {stage}" if several else stage.name) for stage in rows]


OPPORTUNITY_FIELDS = Catalogue(
    Opportunity,
    replace(CLIENT, is_required=True),
    Field("title", aliases=("name", "opportunity name", "deal name"), is_required=True, privacy=FREE_WORDS),
    Field("pipeline", type=link(Pipeline.objects.kept), is_imported=False, api=READ, filter=filters.Id),
    *grouped(
        "deal",
        Field("next_step", privacy=FREE_WORDS, is_inline=True),
        Field(
            "kind",
            type=choice(OpportunityKind, KINDS),
            aliases=("type", "deal type"),
            filter=filters.Choice,
            is_inline=True,
        ),
        Field(
            "stage",
            type=replace(link(Stage.objects.kept), words_key="stage"),
            aliases=("deal stage", "stage name", "pipeline stage"),
            api={"required": False},
            filter={"stage": filters.Id(offers=_stages, named=Stage)},
            is_on_page=False,
        ),
        Field(
            "owner",
            type=COLLEAGUE,
            aliases=("opportunity owner", "deal owner"),
            api={"required": False},
            filter=filters.PersonId,
            is_inline=True,
        ),
        Field(
            "expected_close",
            aliases=("close date", "closing date", "expected close date"),
            is_required=True,
            filter={
                "close_from": filters.Day(lookup_expr="gte", label=_("Expected from")),
                "close_before": filters.Day(lookup_expr="lt", label=_("Expected before")),
            },
            sort=Sort("expected_close"),
            is_inline=True,
        ),
        Field(
            "value",
            aliases=("amount", "deal value"),
            type=replace(AMOUNT, say=lambda value: number(value, 0 if value == int(value) else 2)),
            hint=_("Of the first year, or once. Leave empty if not known."),
            is_inline=True,
        ),
        replace(PAID_IN, is_on_page=False),
        replace(
            RATE,
            is_on_page=False,
            hint=_("The firm's currency for one unit. Leave empty for the rate of the day it was opened."),
        ),
        Field(
            "probability",
            is_optional=True,
            hint=_("Leave empty for the probability of the stage."),
            api={"required": False, "allow_null": True},
            is_inline=True,
        ),
        replace(SERVICE, is_required=False, is_inline=True),
        engagement_field(),
        Field("contract", type=link(Contract.objects.kept, named="pk"), is_imported=False),
        Field(
            "opened_date", aliases=("created", "create date", "created date"), api={"required": False}, is_optional=True
        ),
        Field(
            "description",
            aliases=("notes", "comment"),
            privacy=FREE_WORDS,
            input={"max_length": 10_000},
            is_inline=True,
        ),
    ),
    Field("stage_since", is_imported=False, api=READ),
    Field("state", type=choice(OpportunityState, STATES), is_imported=False, api=READ, filter=filters.Choice),
    Field("reason", is_imported=False, api=READ, filter=filters.Choice),
    Field("outcome_note", is_imported=False, api=READ, privacy=FREE_WORDS),
    Field("closed_at", is_imported=False, api=READ, sort=Sort("closed_at", nullable=True)),
    Field("renewal_date", is_imported=False, api=READ),
    Field("made_contract", is_imported=False, api=READ),
    Field(
        "value_firm",
        _("Value, firm’s currency"),
        AMOUNT,
        is_imported=False,
        api=READ,
        sort=Sort("value_firm", nullable=True),
    ),
    Field("weighted_firm", _("Weighted value, firm’s currency"), AMOUNT, is_imported=False, api=READ),
    internal={
        "has_own_probability": "whether the probability was entered, or is the stage's",
        "custom": "the values of the firm's own fields",
    },
    custom=CustomFields(
        "opportunity",
        _("Opportunities"),
        order=40,
        is_inline=True,
        amounts={"value": F("value_firm"), "value_firm": F("value_firm"), "weighted_firm": F("weighted_firm")},
    ),
)
