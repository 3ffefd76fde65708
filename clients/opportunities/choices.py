from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.core.base.states import States


class OpportunityKind(models.TextChoices):
    NEW = "new", _("New business")
    RENEWAL = "renewal", _("Renewal")
    UPSELL = "upsell", _("Upsell")
    CROSS_SELL = "cross_sell", _("Cross-sell")


class OpportunityState(models.TextChoices):
    OPEN = "open", _("Open")
    WON = "won", _("Won")
    LOST = "lost", _("Lost")


class LostReason(models.TextChoices):
    PRICE = "price", _("Price")
    COMPETITOR = "competitor", _("Chose someone else")
    BUDGET = "budget", _("No budget")
    TIMING = "timing", _("Bad timing")
    NO_DECISION = "no_decision", _("No decision")
    NOT_A_FIT = "not_a_fit", _("Not a fit")
    CONTRACT_ENDED = "contract_ended", _("Contract ended")
    OTHER = "other", _("Other")


WON = "won:"  # begins the key of a notification of a win, before the id of the opportunity


class WonContract(models.TextChoices):
    """What becomes of the contracts when an opportunity is won."""

    NONE = "none", _("No contract")
    NEW = "new", _("Add a contract")
    PRICE = "price", _("Change the price of a contract")
    RENEW = "renew", _("Renew a contract")


OPPORTUNITY = States(
    {
        OpportunityState.OPEN: (OpportunityState.WON, OpportunityState.LOST),
        OpportunityState.WON: (OpportunityState.OPEN,),
        OpportunityState.LOST: (OpportunityState.OPEN,),
    },
    refusal=_("This opportunity is %(now_lower)s. Reopen it first."),
    open=(OpportunityState.OPEN,),
    over=(OpportunityState.WON, OpportunityState.LOST),
)
OPPORTUNITY_TONES = {"won": "green", "lost": "red"}
# What a firm begins with: name, probability in per cent, days until an opportunity counts as rotting.
FIRST_STAGES = (
    (_("Lead"), 10, 30),
    (_("Qualified"), 25, 30),
    (_("Proposal"), 50, 21),
    (_("Negotiation"), 75, 14),
)
