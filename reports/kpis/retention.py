"""Client retention and its complement."""

from datetime import timedelta

from django.db.models import Case, CharField, Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from clients.records.choices import ACTIVE_STATUSES, LeavingReason, Status
from clients.records.models import StatusPeriod
from interactions.log.models import Interaction
from reports.columns import CLIENT, OWNER, TIER, Cell, Column, day_cell, text_cell
from reports.kpis import presence
from reports.kpis.base import PERCENT, Kpi, share
from reports.scope import REVENUE

KEPT, REACTIVATED, PAUSED, LEFT, OTHER = "retained", "reactivated", "paused", "left", "inactive"
OUTCOMES = {
    KEPT: _("Retained"),
    REACTIVATED: _("Left and came back"),
    PAUSED: _("Paused"),
    LEFT: _("Left"),
    OTHER: _("Not active"),
}
OUTCOME_TONES = {KEPT: "green", REACTIVATED: "blue", PAUSED: "", LEFT: "red"}
SILENCE_DAYS = 45


def reason_label(status: str, reason: str) -> str:
    """Why a client is no longer active, as text."""
    if status == Status.FORMER:
        return str(LeavingReason(reason).label) if reason else gettext("No reason given")
    return str(Status(status).label) if status else gettext("No status")


def silent_before_leaving(members: QuerySet) -> QuerySet:
    """Clients with no contact logged in the weeks before they left."""
    heard = (
        Interaction.objects.contacts_made().kept().filter(client=OuterRef("pk"), occurred_at__lt=OuterRef("end_since"))
    )
    return members.filter(~Exists(heard.filter(occurred_at__gte=OuterRef("end_since") - timedelta(days=SILENCE_DAYS))))


def _outcome(client, firm):
    return Cell(OUTCOMES[client.outcome], str(OUTCOMES[client.outcome]), tone=OUTCOME_TONES.get(client.outcome, ""))


def _why(client, firm):
    return text_cell(reason_label(client.end_status, client.end_reason) if client.outcome == LEFT else "")


def _since(client, firm):
    return day_cell(None if client.is_kept else client.end_since)


class Retention(Kpi):
    """|S ∩ E| / |S| · 100, in per cent; None for an empty S. S: active at the period's start, E: at its end (Bain).

    Basis "revenue": S has revenue booked in the preceding period of equal length, E in the period.
    """

    id = "retention"
    name = _("Client retention")
    formula = _("|S ∩ E| ÷ |S| · 100")
    unit = PERCENT
    source = _("Bain & Company")
    has_basis = True
    needs_start = True
    counted = (_("Retained"), _("At the start"))
    edge_rules = [
        _(
            "S: clients active at the start of the period. E: clients active at its end. Active: the status is active or at notice; a paused client is not."
        ),
        _("Never (E − new) ÷ S: clients who come back would push it past 100 %."),
        _("If S is empty there is no rate, shown as “—”."),
        _("Clients who left and returned within the period count as retained and are shown as “left and came back”."),
        _("Clients imported without a start date are not in S before the day of the import."),
        _("Clients won in the period are not in S. One-off customers and archived records never count."),
        _(
            "Basis “revenue”: active means at least one revenue line above zero in the period; S are those active in the preceding period of equal length."
        ),
        _("Owner, team and tier are today's. Days are in the firm's time zone."),
    ]
    shows = [
        ("", _("All at the start")),
        (KEPT, _("Retained")),
        (LEFT, _("Not retained")),
        (REACTIVATED, _("Came back")),
    ]
    columns = (CLIENT, Column(_("Outcome"), _outcome), Column(_("Why"), _why), Column(_("Since"), _since), OWNER, TIER)

    def benchmark(self, firm):
        return firm.retention_benchmark

    def narrowed(self, members, parameters):
        """Clients with one `reason` for leaving, or who left without recent contact (`silent`)."""
        status, reason = parameters.get("status", ""), parameters.get("reason", "")
        if status in Status.values:
            members = members.filter(end_status=status)
        if status == Status.FORMER and reason:
            members = members.filter(end_reason=reason if reason in LeavingReason.values else "")
        return silent_before_leaving(members) if parameters.get("silent") else members

    def answer(self, scope, period):
        found = self.members(scope, period).aggregate(n=Count("pk"), kept=Count("pk", filter=Q(is_kept=True)))
        return self._made(scope, period, found["n"], found["kept"])

    def series(self, scope, periods):
        count = presence.pairs_by_revenue if scope.basis == REVENUE else presence.pairs_by_status
        pairs = count(scope.clients(), periods)
        return [self._made(scope, period, n, kept) for period, (n, kept) in zip(periods, pairs, strict=True)]

    def _made(self, scope, period, n, kept):
        value = share(kept, n)
        return self.made(
            period,
            value=value,
            numerator=kept,
            denominator=n,
            n=n,
            basis=scope.basis,
            parts={"kept": kept, "lost": n - kept},
        )

    def members(self, scope, period, show=""):
        """S, each client with `is_kept`, `outcome`, `end_status` and `end_reason`; `show` narrows it to one outcome."""
        found = _with_outcome(_at_start(scope, period), scope, period)
        if show == KEPT:
            return found.filter(is_kept=True)
        if show == LEFT:
            return found.filter(is_kept=False)
        return found.filter(outcome=show) if show in OUTCOMES else found

    def gone_uncounted(self, scope, period):
        """Clients who left in the period but are not counted here: won within it, back by its end, or, on the basis of
        revenue, with revenue in it.
        """
        left = StatusPeriod.objects.filter(
            status=Status.FORMER, start_date__gt=period.start, start_date__lte=period.end, client=OuterRef("pk")
        ).exclude(is_start_unknown=True)
        counted = self.members(scope, period, LEFT).order_by().values("pk")
        return scope.clients().filter(Exists(left)).exclude(pk__in=counted)

    def reasons(self, scope, period):
        """[(end_status, end_reason, n)] of S without E, most frequent first. Their sum is |S| − |S ∩ E|."""
        lost = self.members(scope, period, LEFT).order_by().values("end_status", "end_reason")
        rows = lost.annotate(n=Count("pk")).values_list("end_status", "end_reason", "n")
        return sorted(rows, key=lambda row: -row[2])


class LogoChurn(Retention):
    """(1 − |S ∩ E| / |S|) · 100 on the same S (ChartMogul; Recurly)."""

    id = "logo-churn"
    name = _("Client churn")
    formula = _("(1 − |S ∩ E| ÷ |S|) · 100")
    source = _("ChartMogul; Recurly")
    counted = (_("Not active at the end"), _("At the start"))
    shows = [Retention.shows[0], *sorted(Retention.shows[1:], key=lambda show: show[0] != LEFT)]
    edge_rules = [
        _("The complement of client retention, on the same S: clients active at the start of the period."),
        _("A client with several services churns when the last one ends. Losing one of them is contraction."),
        _(
            "Clients who joined within the period are neither in S nor among the lost. Stripe divides by S and the new ones together, which gives a lower rate."
        ),
        *Retention.edge_rules[2:],
    ]

    def benchmark(self, firm):
        return None

    def _made(self, scope, period, n, kept):
        value = share(n - kept, n)
        return self.made(
            period,
            value=value,
            numerator=n - kept,
            denominator=n,
            n=n,
            basis=scope.basis,
            parts={"kept": kept, "lost": n - kept},
        )


def _at_start(scope, period):
    clients = scope.clients()
    if scope.basis == REVENUE:
        before = period.preceding()
        return clients.filter(Exists(presence.booked_in(before)))
    return clients.active_at(period.start)


def _with_outcome(clients, scope, period):
    at_end = StatusPeriod.objects.covering(period.end).filter(client=OuterRef("pk"))
    is_kept = (
        Exists(presence.booked_in(period))
        if scope.basis == REVENUE
        else Exists(at_end.filter(status__in=ACTIVE_STATUSES))
    )
    was_former = StatusPeriod.objects.filter(
        client=OuterRef("pk"), status=Status.FORMER, start_date__gt=period.start, start_date__lt=period.end
    )
    return clients.annotate(
        is_kept=is_kept,
        end_status=Coalesce(Subquery(at_end.values("status")[:1]), Value(""), output_field=CharField()),
        end_reason=Coalesce(Subquery(at_end.values("reason")[:1]), Value(""), output_field=CharField()),
        end_since=Subquery(at_end.values("start_date")[:1]),
    ).annotate(
        outcome=Case(
            When(Q(is_kept=True) & Exists(was_former), then=Value(REACTIVATED)),
            When(is_kept=True, then=Value(KEPT)),
            When(end_status=Status.PAUSED, then=Value(PAUSED)),
            When(end_status=Status.FORMER, then=Value(LEFT)),
            default=Value(OTHER),
            output_field=CharField(),
        ),
        facts_status=F("facts__status"),
    )
