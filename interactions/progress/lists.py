"""The list of progress emails, in parts: to review, scheduled, sent, left out."""

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from clients.cover.queries import in_care_q, say_for_whom
from clients.records.models import Client
from crm.core.base.kept import Kept
from crm.core.listing import filters
from crm.core.listing.pages import Column, ListPage
from crm.core.ui.navigation import Counted
from interactions.progress import flags
from interactions.progress.choices import PROGRESS, ProgressState
from interactions.progress.models import ProgressEmail

COUNTED_AT_MOST = 100
TONES = {
    ProgressState.PLANNED: "",
    ProgressState.DRAFT: "blue",
    ProgressState.APPROVED: "green",
    ProgressState.HELD: "amber",
    ProgressState.SENT: "green",
    ProgressState.SKIPPED: "",
    ProgressState.EXPIRED: "red",
}


def state_of(email: ProgressEmail) -> tuple[Any, str]:
    """(words, tone) of its state. What was released reads “Sending” until its mails have left, and “Not sent”, as in the outbox,
    where no mail server is set. The row needs the annotations of `flags.with_state`."""
    if email.state == ProgressState.SENT and email.has_waiting_mail:  # type: ignore[attr-defined]
        return _("Sending"), "blue"
    if email.state == ProgressState.SENT and email.has_kept_mail:  # type: ignore[attr-defined]
        return _("Not sent"), ""
    return email.get_state_display(), TONES[email.state]  # type: ignore[attr-defined]


def of_user(principal, *, whose: str = "all") -> QuerySet:
    rows = ProgressEmail.objects.visible_to(principal).filter(client__archived_at__isnull=True)
    return rows.filter(in_care_q(principal, "client__owner")) if whose == "mine" else rows


def to_review(rows: QuerySet) -> QuerySet:
    return rows.filter(Q(state=ProgressState.HELD) | Q(state=ProgressState.DRAFT, is_review_needed=True))


def scheduled(rows: QuerySet) -> QuerySet:
    return rows.filter(
        Q(state__in=[ProgressState.PLANNED, ProgressState.APPROVED])
        | Q(state=ProgressState.DRAFT, is_review_needed=False)
    )


def sent(rows: QuerySet) -> QuerySet:
    return rows.filter(state=ProgressState.SENT)


def skipped(rows: QuerySet) -> QuerySet:
    return rows.filter(state__in=PROGRESS.left_out)


PARTS = {"review": to_review, "coming": scheduled, "sent": sent, "skipped": skipped}
PART_NAMES = {
    "review": _("To review"),
    "coming": _("Scheduled"),
    "sent": _("Sent"),
    "skipped": _("Skipped and expired"),
}


def default_whose(user) -> str:
    return "mine" if user.is_account_manager else "all"


class ProgressFilters(filters.ListFilters):
    show = filters.Choice(choices=list(PART_NAMES.items()), method="of_part", label=_("Which"))
    whose = filters.Choice(
        choices=[("mine", _("My clients")), ("all", _("All clients"))], method="of_whom", label=_("Clients")
    )
    client = filters.ModelChoice(
        queryset=lambda found: Client.objects.visible_to(found.principal), label=_("Client"), chip=_("Client is")
    )
    state = filters.Choice(choices=ProgressState.choices, label=_("State"))
    week = filters.Text("week", label=_("Week"))

    def of_part(self, rows, name, value):
        return PARTS[value](rows)

    def of_whom(self, rows, name, value):
        return rows.filter(in_care_q(self.principal, "client__owner")) if value == "mine" else rows


def waiting(principal, now: datetime) -> QuerySet:
    """What the list shows where nothing else is chosen: the number in the navigation and on Today."""
    return to_review(of_user(principal, whose=default_whose(principal.user))).order_by()


def nav_count(principal, now: datetime) -> Counted:
    return [(waiting(principal, now), "")]


def _queue(principal) -> QuerySet:
    return to_review(of_user(principal, whose=default_whose(principal.user))).order_by("send_at", "pk")


def next_to_review(principal, after: ProgressEmail) -> ProgressEmail | None:
    """The email after this one in the user's queue; after the last one, the first."""
    rows = _queue(principal).exclude(pk=after.pk)
    return rows.filter(_behind(after)).first() or rows.first()


def _behind(email: ProgressEmail) -> Q:
    return Q(send_at__gt=email.send_at) | Q(send_at=email.send_at, pk__gt=email.pk)


def place_in_queue(principal, email: ProgressEmail) -> dict[str, Any] | None:
    """{"place", "of", "previous", "next"} of an email in the user's queue, or None."""
    pks = list(_queue(principal).values_list("pk", flat=True)[:COUNTED_AT_MOST])
    if email.pk not in pks:
        return None
    at = pks.index(email.pk)
    return {
        "place": at + 1,
        "of": len(pks),
        "previous": pks[at - 1] if at else None,
        "next": pks[at + 1] if at + 1 < len(pks) else None,
    }


def _extra(listing) -> dict[str, Any]:
    """Tabs by part that keep whose clients, and the switch of an account manager."""
    show, whose = listing.values["show"], listing.values["whose"]
    tabs = [
        {"label": label, "url": f"{listing.url}?show={key}&whose={whose}", "current": key == show}
        for key, label in PART_NAMES.items()
    ]
    return {"tabs": tabs, "show": show, "whose": whose, "can_choose": listing.principal.is_account_manager}


PROGRESS_EMAILS = ListPage(
    url_name="interactions:progress-emails",
    title=_("Progress emails"),
    template="interactions/progress/list.html",
    rows=of_user,
    select=lambda rows: (
        flags.with_signs(rows, timezone.now())
        .select_related("client__owner", "approved_by")
        .defer("sent_text", "sent_html")
    ),
    decorate=lambda rows, listing: decorate(rows, listing.now),
    filters=ProgressFilters,
    defaults=lambda principal: {"show": "review", "whose": default_whose(principal.user)},
    view_by=("show", "whose"),
    remembers=False,
    sorts={"next": "send_at", "newest": "-send_at"},
    default_sort=lambda values: "newest" if values["show"] in ("sent", "skipped") else "next",
    columns=(
        Column("client", _("Client"), lambda email: email.client.name),
        Column("state", _("State"), lambda email: state_of(email)[0]),
        Column("week", _("Week"), lambda email: email.week),
        Column("leaves", _("Send time"), lambda email: email.sent_at or email.send_at),
        Column("promised", _("Due by"), lambda email: email.deadline_at),
        Column("owner", _("Account manager"), lambda email: email.client.owner.name),
    ),
    noun=lambda n, text: ngettext("%(n)s progress email", "%(n)s progress emails", n) % {"n": text},
    file_name="progress-emails",
    more=_extra,
)


def decorate(rows: list[ProgressEmail], now: datetime) -> None:
    """Add tone and flags to the rows of a list. They need the annotations of `flags.with_signs`."""
    for email in rows:
        email.state_text, email.tone = state_of(email)  # type: ignore[attr-defined]
        email.flags = flags.flags(email, now)  # type: ignore[attr-defined]
        email.is_overdue = flags.will_be_late(email, now)  # type: ignore[attr-defined]


@Kept
def _to_look_at(principal, *, now: datetime):
    open_rows = of_user(principal, whose="mine").filter(state__in=PROGRESS.open, draft_at__lte=now)
    found = flags.flagged(flags.with_signs(open_rows, now))
    return found.select_related("client__owner").defer("sent_text", "sent_html").order_by("send_at", "pk")[:6]


def today_section(principal, now: datetime) -> dict[str, Any] | None:
    """Drafted progress emails of the user's clients, and those they cover for, that someone should check; None if there are none."""
    rows = _to_look_at.rows(principal, now=now)
    decorate(rows, now)
    say_for_whom(principal, rows, lambda email: email.client.owner)
    return {"emails": rows[:5], "has_more": len(rows) > 5} if rows else None
