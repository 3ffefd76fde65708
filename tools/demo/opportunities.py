"""What the clients of the demo firm may buy: open, won and lost, and the renewals that appear by themselves."""

from datetime import timedelta
from decimal import Decimal

from clients.opportunities.choices import LostReason, OpportunityKind, WonContract
from clients.opportunities.services.outcomes import lose_opportunity, win_opportunity
from clients.opportunities.services.pipelines import default_pipeline
from clients.opportunities.services.records import create_opportunity, move_opportunity
from clients.opportunities.services.renewals import update_renewals
from crm.core.base.principals import SYSTEM, acting

NEW, UPSELL, CROSS = OpportunityKind.NEW, OpportunityKind.UPSELL, OpportunityKind.CROSS_SELL
# title, kind, service, value, stages passed (the last one is where it is), days since it was opened, days until it closes, next step
OPEN = (
    ("Advisory board seat", UPSELL, 3, 18_000, 3, 64, 12, "Send the revised proposal"),
    ("Group consolidation", UPSELL, 3, 9_600, 2, 40, 35, "Ask for last year’s figures"),
    ("Payroll for the new office", CROSS, 1, 7_200, 1, 12, 50, "Call about headcount"),
    ("Acquisition due diligence", NEW, 4, 42_000, 4, 80, -6, "Chase the signed letter"),
    ("Bookkeeping takeover", CROSS, 2, 14_400, 2, 21, 28, ""),
    ("Sale of a subsidiary", NEW, 4, 65_000, 1, 45, 120, "First meeting with the board"),
    ("VAT registration abroad", UPSELL, 0, 3_800, 3, 17, 20, "Wait for their answer"),
    ("Monthly management report", UPSELL, 3, 11_000, 2, 30, 62, ""),
    ("Audit of the foundation", CROSS, 0, 6_500, 1, 4, 75, "Agree on the scope"),
    ("Succession planning", NEW, 4, None, 1, 6, 150, ""),
    ("Payroll in two countries", CROSS, 1, 16_800, 3, 50, 8, "Present to the managing partner"),
    ("Cash-flow forecast", UPSELL, 3, 4_200, 4, 33, 5, "Draft the contract"),
    ("Transfer pricing file", UPSELL, 0, 12_500, 2, 9, 90, ""),
    ("Interim controller", NEW, 3, 28_000, 3, 27, 41, "Name two candidates"),
)
WON = (("Tax planning workshop", UPSELL, 0, 2_400, 75, 30), ("Payroll cutover", CROSS, 1, 9_000, 120, 62))
LOST = (
    ("Bookkeeping for the holding", CROSS, 2, 8_400, 90, LostReason.PRICE, "Their accountant does it for less"),
    ("Internal audit", NEW, 0, 22_000, 140, LostReason.NO_DECISION, "The board postponed it to next year"),
)


def make(stage) -> None:
    stages = list(default_pipeline().stages.kept().order_by("position"))
    clients = [c for c in stage.clients.values() if c.archived_at is None]
    for place, (title, kind, service, value, passed, opened, closes, step) in enumerate(OPEN):
        client = clients[place * 3 % len(clients)]
        row = _opened(stage, client, stages[0], title, kind, service, value, opened, closes, next_step=step)
        for n in range(1, passed):
            moved = stage.now - timedelta(days=opened * (passed - n) / (passed + 1), hours=3)
            row = move_opportunity(acting(client.owner), opportunity=row, stage=stages[n], now=moved)
    for place, (title, kind, service, value, opened, closed) in enumerate(WON):
        client = clients[(place * 5 + 1) % len(clients)]
        row = _opened(stage, client, stages[2], title, kind, service, value, opened, -closed)
        win_opportunity(
            acting(client.owner),
            opportunity=row,
            with_contract=WonContract.NONE,
            outcome_note="Agreed after the quarterly review",
            now=stage.now - timedelta(days=closed),
        )
    for place, (title, kind, service, value, opened, reason, note) in enumerate(LOST):
        client = clients[(place * 5 + 2) % len(clients)]
        row = _opened(stage, client, stages[1], title, kind, service, value, opened, -20)
        moment = stage.now - timedelta(days=20)
        lose_opportunity(acting(client.owner), opportunity=row, reason=reason, outcome_note=note, now=moment)
    update_renewals(SYSTEM, today=stage.today, now=stage.now)


def _opened(stage, client, first, title, kind, service, value, opened, closes, **more):
    return create_opportunity(
        acting(client.owner),
        client=client,
        title=title,
        kind=kind,
        stage=first,
        service=stage.services[service],
        value=None if value is None else Decimal(value),
        opened_date=stage.today - timedelta(days=opened),
        expected_close=stage.today + timedelta(days=closes),
        now=stage.now - timedelta(days=opened),
        **more,
    )
