"""The delivery board: the state of each client's progress email, per local ISO week.

Each client counts once, in its worst state: one refused recipient outweighs three who were reached. Numbers and lists are the
same QuerySet. Which clients should have an email follows from their schedules, as they were before that week's deadline; a client
without one is `missing`, and the states then add up to less than the total.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import (
    Case,
    CharField,
    Count,
    DateField,
    DateTimeField,
    Exists,
    F,
    Func,
    IntegerField,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThan
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from clients.records.choices import Status
from clients.records.models import Client, StatusPeriod
from crm.core.base.dates import iso_week, week_day
from crm.core.mail import models
from crm.core.mail.choices import MailState
from crm.core.mail.forms import week_days
from interactions.progress.choices import PROGRESS, ProgressState
from interactions.progress.models import ProgressEmail, ProgressSchedule

WEEKS_BACK = 8
STORED = "stored"  # no mail server was set; shown only where there are such
STATES = {
    "planned": _("Planned"),
    "sent": _("Sent"),
    STORED: _("Not sent"),
    "late": _("Sent late"),
    "retrying": _("Retrying"),
    "decision": _("Needs a decision"),
    "dead": _("Failed"),
    "skipped": _("Skipped"),
}
MISSING, ALL = "missing", "all"
TONES = {
    "planned": "blue",
    "sent": "green",
    "late": "amber",
    "retrying": "amber",
    "decision": "amber",
    "dead": "red",
    MISSING: "red",
}
WORST_FIRST = ("decision", "dead", "retrying", "late", "planned", STORED, "sent", "skipped")
RANKS = {state: len(WORST_FIRST) - n for n, state in enumerate(WORST_FIRST)}
# Zones lie between UTC-12 and UTC+14. Without asking for each zone's rules: a schedule counts for a week when it stood at the
# deadline everywhere, an email is missing when it had to be planned (36 hours ahead) everywhere, an hour ago.
EARLIEST, PLANNED_BY = timedelta(hours=14), timedelta(hours=36 - 12 - 1)


def weeks(today: date) -> list[str]:
    """Next week, this one, and the eight before."""
    monday = today - timedelta(days=today.weekday())
    return [iso_week(monday + timedelta(days=7 * n)) for n in range(1, -WEEKS_BACK - 1, -1)]


def clients_of(principal, week: str, now: datetime, *, mine: bool = False) -> QuerySet:
    """The clients the user may see that should have a progress email in that week, each with its `board_state`."""
    emails = ProgressEmail.objects.filter(client=OuterRef("pk"), week=week)
    rows = Client.objects.visible_to(principal).kept()
    rows = rows.filter(owner=principal.user) if mine else rows
    rows = rows.filter(
        Q(pk__in=ProgressEmail.objects.filter(week=week).values("client_id"))
        | Q(pk__in=ProgressSchedule.objects.values("client_id"))
    ).filter(Exists(emails) | _is_scheduled(week))
    about = Subquery(_schedules(week).filter(client=OuterRef("pk")).values("about")[:1])
    without = Case(When(GreaterThan(about, now + PLANNED_BY), then=Value("planned")), default=Value(MISSING))
    found = Subquery(emails.order_by().annotate(board=_state()).values("board")[:1], output_field=CharField())
    return rows.annotate(board_state=Coalesce(found, without, output_field=CharField()))


class _About(Func):
    """A week's deadline as if the schedule's zone were UTC."""

    template, arg_joiner, output_field = "((%(expressions)s) AT TIME ZONE 'UTC')", " + ", DateTimeField()

    def __init__(self, monday: date):
        super().__init__(Value(monday, output_field=DateField()), F("weekday"), F("deadline_time"))


def _schedules(week: str) -> QuerySet:
    return ProgressSchedule.objects.annotate(about=_About(week_day(week, 0)))


def _is_scheduled(week: str) -> Q:
    """The schedule was active at the deadline, by its history, and the client had not left."""
    monday = week_day(week, 0)
    history = ProgressSchedule.pgh_event_model.objects.filter(client_id=OuterRef("pk"))  # type: ignore[attr-defined]
    before = history.annotate(about=_About(monday)).filter(pgh_created_at__lte=F("about") - EARLIEST)
    periods = StatusPeriod.objects.filter(client=OuterRef("pk"), status=Status.FORMER)
    left = periods.filter(start_date__lt=monday + timedelta(days=7)).filter(
        Q(end_date__isnull=True) | Q(end_date__gt=monday)
    )
    return Q(Subquery(before.order_by("-pgh_id").values("is_active")[:1])) & ~Q(Exists(left))


def _worst_mail() -> QuerySet:
    """The rank of the worst mail of a progress email; of a mail that was sent again, the newest counts."""
    mails = models.OutboxMail.objects.caused_by(ProgressEmail).filter(kind="progress")
    newer = mails.filter(cause_id=OuterRef("cause_id"), contact_id=OuterRef("contact_id"), pk__gt=OuterRef("pk"))
    latest = mails.filter(~Exists(newer), cause_id=OuterRef("pk"))
    return latest.order_by().values("kind").annotate(worst=Max(_mail_rank())).values("worst")


def _mail_rank() -> Case:
    tried = Q(state=MailState.PENDING) & (Q(attempts__gt=0) | ~Q(reply=""))
    return Case(
        When(state__in=[MailState.UNCERTAIN, MailState.HELD], then=RANKS["decision"]),
        When(state__in=[MailState.DEAD, MailState.EXPIRED], then=RANKS["dead"]),
        When(tried, then=RANKS["retrying"]),
        When(models.STORED, then=RANKS[STORED]),
        When(state=MailState.SENT, sent_at__gt=F("deadline_at"), then=RANKS["late"]),
        When(state=MailState.SENT, then=RANKS["sent"]),
        When(state=MailState.CANCELLED, then=RANKS["skipped"]),
        default=RANKS["planned"],
        output_field=IntegerField(),
    )


def _state() -> Case:
    """The board state of a progress email. The subquery appears once: PostgreSQL would compute each copy of it."""
    words = Func(
        Subquery(_worst_mail(), output_field=IntegerField()),
        template=f"(ARRAY[{', '.join(repr(state) for state in reversed(WORST_FIRST))}])[%(expressions)s]",
        output_field=CharField(),
    )
    # its mails were deleted by retention: the email itself says
    alone = Case(When(sent_at__gt=F("deadline_at"), then=Value("late")), default=Value("sent"))
    return Case(
        When(state=ProgressState.HELD, then=Value("decision")),
        When(state__in=PROGRESS.open, then=Value("planned")),
        When(state=ProgressState.EXPIRED, then=Value("dead")),
        When(state=ProgressState.SENT, then=Coalesce(words, alone)),
        default=Value("skipped"),
        output_field=CharField(),
    )


@dataclass(frozen=True)
class WeekRow:
    """`counts` in the order of STATES; `should` is how many clients should have an email."""

    week: str
    counts: dict[str, int]
    should: int

    @property
    def name(self) -> str:
        return gettext("Week %(n)d") % {"n": int(self.week[-2:])}

    @property
    def days(self) -> str:
        return week_days(self.week)

    @property
    def missing(self) -> int:
        return self.should - sum(self.counts.values())

    @property
    def missing_words(self) -> str:
        return gettext("%(n)d missing") % {"n": self.missing}

    @property
    def cells(self) -> list[dict[str, Any]]:
        return [
            {"state": state, "label": STATES[state], "tone": TONES.get(state, ""), "number": number}
            for state, number in self.counts.items()
        ]


def board(principal, today: date, now: datetime, *, mine: bool = False) -> list[WeekRow]:
    """All weeks in one statement."""
    shown = weeks(today)
    found = [_counted(clients_of(principal, week, now, mine=mine), week) for week in shown]
    numbers = {(row["of_week"], row["board_state"]): row["n"] for row in found[0].union(*found[1:], all=True)}
    states = [state for state in STATES if state != STORED or any(of == STORED for _week, of in numbers)]
    return [_row(week, numbers, states) for week in shown]


def _counted(rows: QuerySet, week: str) -> QuerySet:
    named = rows.order_by().annotate(of_week=Value(week, output_field=CharField()))
    return named.values("of_week", "board_state").annotate(n=Count("pk"))


def _row(week: str, numbers: dict[tuple[str, str], int], states: list[str]) -> WeekRow:
    counts = {state: numbers.get((week, state), 0) for state in states}
    should = sum(number for (of_week, _state), number in numbers.items() if of_week == week)
    return WeekRow(week, counts, should)


def listed(principal, week: str, state: str, now: datetime) -> QuerySet:
    """The clients behind a number; `state` may be "all" (those that should have one) or "missing"."""
    emails = ProgressEmail.objects.filter(client=OuterRef("pk"), week=week)
    rows = clients_of(principal, week, now).select_related("owner")
    rows = rows.annotate(email_id=Subquery(emails.order_by().values("pk")[:1]))
    return rows if state == ALL else rows.filter(board_state=state)


def state_words(state: str) -> Any:
    return {MISSING: _("Missing"), ALL: _("Expected")}.get(state) or STATES[state]


def known_states() -> Iterable[str]:
    return (*STATES, MISSING, ALL)


def oldest_due(now: datetime) -> datetime | None:
    """When the oldest email was due that the periodic job should have drafted or sent; not those that wait for a person."""
    rows = ProgressEmail.objects.filter(client__archived_at__isnull=True)
    moments = (
        rows.filter(state=ProgressState.PLANNED, draft_at__lte=now)
        .order_by("draft_at")
        .values_list("draft_at", flat=True),
        rows.filter(state__in=PROGRESS.ready, send_at__lte=now).order_by("send_at").values_list("send_at", flat=True),
    )
    return min((moment for row in moments if (moment := row.first())), default=None)
