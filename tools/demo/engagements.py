"""What the demo firm works on: engagements in each state, with teams, parties and what was said about them."""

from datetime import timedelta
from decimal import Decimal

from clients.contacts.queries import people_of
from clients.engagements.choices import EngagementState, PartyRole
from clients.engagements.models import EngagementKind
from clients.engagements.services.records import (
    add_party,
    close_engagement,
    move_engagement,
    open_engagement,
    restrict_engagement,
)
from clients.gate import may_see
from clients.revenue.services.contracts import update_contract
from clients.revenue.services.lines import update_revenue_line
from crm.core.base.principals import SYSTEM, acting
from interactions.recording.services import NextStep, log_interaction

INTAKE, OPEN, CLOSING, CLOSED = EngagementState
KINDS = ("Advice", "Audit", "Transaction", "Payroll")
# title, kind, state, budget, days since it was opened, other side, what was said last
ROWS = (
    (
        "Purchase of a warehouse",
        2,
        OPEN,
        48_000,
        60,
        "Harbour Estates",
        "Went through the draft of the purchase agreement",
    ),
    ("Annual audit", 1, OPEN, 22_000, 35, "", "Agreed on the list of documents for the auditors"),
    ("Tax dispute of last year", 0, OPEN, 15_500, 120, "Tax office", "The tax office asks for two more invoices"),
    ("Payroll in a second country", 3, CLOSING, 9_800, 150, "", "The first run went through without corrections"),
    ("Sale of a business line", 2, INTAKE, None, 6, "Pine Holding", "First talk about the price they have in mind"),
    ("Group consolidation", 1, OPEN, 31_000, 48, "", "Their ledger of the subsidiary is one month behind"),
    ("Move of the head office", 0, CLOSED, 6_400, 210, "", "Closed with a note on what comes up next year"),
    ("Succession of the founder", 0, OPEN, 27_000, 80, "", "The family wants two options in writing"),
)
RESTRICTED = 4


def make(stage) -> None:
    kinds = [EngagementKind.objects.get_or_create(name=name)[0] for name in KINDS]
    clients = [client for client in stage.clients.values() if client.archived_at is None and not client.is_restricted]
    for place, (title, kind, state, budget, days, other_side, said) in enumerate(ROWS):
        client = clients[place * 2 % len(clients)]
        me, opened = acting(client.owner), stage.now - timedelta(days=days)
        row = open_engagement(
            me,
            client=client,
            title=title,
            kind=kinds[kind],
            state=INTAKE if state == INTAKE else OPEN,
            budget=None if budget is None else Decimal(budget),
            team=_mates(stage, client, place),
            now=opened,
            is_demo=True,
        )
        if other_side:
            add_party(me, engagement=row, role=PartyRole.OTHER_SIDE, outside_name=other_side)
        people = people_of(client)
        if people:
            add_party(me, engagement=row, role=PartyRole.CLIENT, contact=people[0].contact)
        step = NextStep(f"Send the next draft: {title.lower()}", stage.today + timedelta(days=3 + place))
        log_interaction(
            me,
            client=client,
            channel="meeting" if place % 2 else "phone",
            occurred_at=stage.now - timedelta(days=min(days, 2 + place), hours=place),
            subject=title,
            body=said,
            engagement=row,
            next_step=step if state != CLOSED else None,
            now=stage.now,
            is_demo=True,
        )
        if state == CLOSING:
            move_engagement(me, engagement=row, state=CLOSING, now=stage.now - timedelta(days=4))
        if state == CLOSED:
            close_engagement(me, engagement=row, now=stage.now - timedelta(days=9))
        if place != RESTRICTED:
            _name_money(me, client, row, stage)
        if place == RESTRICTED:
            restrict_engagement(SYSTEM, engagement=row, now=stage.now)


def _name_money(me, client, row, stage) -> None:
    """The client's newest contract and revenue are of it, unless they are of another."""
    for contract in client.contracts.kept().filter(engagement=None, end_date=None).order_by("-start_date", "-pk")[:1]:
        update_contract(me, contract=contract, engagement=row)
    for line in client.revenue_lines.filter(engagement=None).order_by("-date", "-pk")[:3]:
        update_revenue_line(me, line=line, engagement=row, today=stage.today)


def _mates(stage, client, place):
    mates = [user for user in stage.users.values() if user != client.owner and may_see(acting(user), client)]
    return mates[place % 2 : place % 2 + 2] if mates else []
