"""What this app adds to a progress email: shared interactions, decisions, commitments, and the dates of contracts.

Clients read all of it: only what was shared with them, or what they signed.
"""

from datetime import date, datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from clients.engagements.models import open_to_all_q
from clients.revenue.models import Contract
from crm.core.base.dates import local_date
from crm.core.firm.queries import get_firm
from crm.core.ui.days import weekday_and_day
from interactions.agreements.choices import CommitmentState, Side
from interactions.agreements.models import Commitment, Decision
from interactions.log.models import Interaction
from interactions.progress.sections import said

AT_MOST = 12
AHEAD = timedelta(days=14)
CONTRACTS_AHEAD = timedelta(days=30)
ASKED_AFTER = timedelta(days=7)


def shared_interactions(client, start: datetime, end: datetime) -> list[str]:
    rows = (
        Interaction.objects.filter(open_to_all_q(), client=client)
        .kept()
        .shared()
        .between(start, end)
        .order_by("occurred_at", "id")[:AT_MOST]
    )
    today = day_of(end, client)
    return [
        said(
            row,
            _("%(day)s: %(what)s")
            % {"day": say_day(row.occurred_at, today), "what": row.subject or row.body.strip().split("\n")[0]},
        )
        for row in rows
    ]


def kept_commitments(client, start: datetime, end: datetime) -> list[str]:
    rows = Commitment.objects.filter(
        open_to_all_q(),
        client=client,
        is_shared=True,
        state=CommitmentState.KEPT,
        closed_at__gte=start,
        closed_at__lt=end,
    )
    return [said(row, row.text) for row in rows.order_by("closed_at", "id")[:AT_MOST]]


def shared_decisions(client, start: datetime, end: datetime) -> list[str]:
    rows = Decision.objects.filter(open_to_all_q()).shared()
    return [said(row, row.text) for row in decisions_within(rows, client, start, end)]


def decisions_within(rows, client, start: datetime, end: datetime) -> list[Decision]:
    """Of these decisions, the client's of the time an email covers."""
    first, last = day_of(start, client), day_of(end, client)
    rows = rows.filter(client=client, decided_date__gte=first, decided_date__lte=last).order_by("decided_date", "id")
    # a decision of the first day was in the email before unless it was written down after that one's cut-off
    return [row for row in rows[:AT_MOST] if row.created_at >= start or row.decided_date > first]


def our_commitments(client, start: datetime, end: datetime) -> list[str]:
    """Our open commitments, late ones too, each with the colleague."""
    firm, today = get_firm().name, day_of(end, client)
    rows = _open(client, end, Side.FIRM)[:AT_MOST]
    return [said(row, with_person(row.text, name_of(row.owner) or firm, row.due_date, today)) for row in rows]


def their_commitments(client, start: datetime, end: datetime) -> list[str]:
    """The client's open commitments that are not late, each with the contact."""
    today = day_of(end, client)
    rows = _open(client, end, Side.CLIENT).exclude(due_date__lt=today)
    return [said(row, with_person(row.text, name_of(row.contact), row.due_date, today)) for row in rows[:AT_MOST]]


def late_commitments(client, start: datetime, end: datetime) -> list[str]:
    """The client's late commitments, as questions."""
    today = day_of(end, client)
    rows = _open(client, end, Side.CLIENT).filter(due_date__lt=today)
    return [said(row, when_to_expect(row.text, name_of(row.contact), row.due_date, today)) for row in rows[:AT_MOST]]


def unconfirmed_decisions(client, start: datetime, end: datetime) -> list[str]:
    """Decisions in the last email that nobody has confirmed; each is asked about once."""
    first, last, today = day_of(start - ASKED_AFTER, client), day_of(start, client), day_of(end, client)
    rows = Decision.objects.filter(
        open_to_all_q(), client=client, confirmed_at=None, decided_date__gte=first, decided_date__lt=last
    ).shared()
    words = _("We noted on %(day)s: %(what)s. Is that right?")
    return [
        said(row, words % {"day": say_day(row.decided_date, today), "what": row.text.rstrip(" .")})
        for row in rows.order_by("decided_date", "id")[:AT_MOST]
    ]


def begun_contracts(client, start: datetime, end: datetime) -> list[str]:
    first, last = day_of(start, client), day_of(end, client)
    rows = _contracts(client).filter(start_date__gt=first, start_date__lte=last)
    return [
        _of_contract(row, _("%(day)s: start of %(what)s"), say_day(row.start_date, last))
        for row in rows.order_by("start_date", "id")[:AT_MOST]
    ]


def upcoming_contracts(client, start: datetime, end: datetime) -> list[str]:
    """Starts and ends of contracts; not one that renews automatically."""
    today = day_of(end, client)
    until = today + CONTRACTS_AHEAD
    starts = _contracts(client).filter(start_date__gt=today, start_date__lte=until)
    renewals = Contract.objects.filter(
        client=client, is_auto_renewed=False, renewal_date__gte=today, renewal_date__lte=until
    ).in_force_on(today)
    dated = [
        (row.start_date, _("%(day)s: start of %(what)s"), row) for row in starts.select_related("service")[:AT_MOST]
    ]
    dated += [
        (row.renewal_date, _("%(day)s: renewal of %(what)s"), row)
        for row in renewals.select_related("service")[:AT_MOST]
    ]
    dated.sort(key=lambda entry: (entry[0], entry[2].pk))
    return [_of_contract(row, words, say_day(day, today)) for day, words, row in dated]


def _of_contract(row: Contract, words: str, day: str) -> str:
    """Its name may be the title of what was won."""
    return said(row, words % {"day": day, "what": row.name or row.service.name})


def _contracts(client):
    """First contracts for a service; not those that replace another."""
    return Contract.objects.kept().filter(client=client, replaces=None).select_related("service")


def _open(client, end: datetime, side: str):
    until = day_of(end, client) + AHEAD
    rows = Commitment.objects.filter(
        open_to_all_q(), client=client, is_shared=True, state=CommitmentState.OPEN, side=side
    )
    return rows.exclude(due_date__gt=until).select_related("owner", "contact").order_by("due_date", "id")


def name_of(person) -> str:
    return person.name if person else ""


def named(text: str, person: str) -> str:
    return _("%(task)s (%(person)s)") % {"task": text, "person": person} if person else text


def with_person(text: str, person: str, day: date | None, today: date) -> str:
    """“Send the price (Marta Kallio), by Fri 27 Nov”."""
    what = named(text, person)
    return _("%(what)s, by %(day)s") % {"what": what, "day": say_day(day, today)} if day else what


def when_to_expect(text: str, person: str, day: date, today: date) -> str:
    """“Two receipts (Elina Saari), due Mon 16 Nov. When can we expect it?”"""
    words = {"what": named(text, person), "day": say_day(day, today)}
    return _("%(what)s, due %(day)s. When can we expect it?") % words


def say_day(day: date | datetime, today: date) -> str:
    return weekday_and_day(timezone.localtime(day) if isinstance(day, datetime) else day, today)


def day_of(moment: datetime, client) -> date:
    return local_date(moment, client.time_zone or get_firm().time_zone)
