"""Pages about the firm's contracts and revenue: the calendar of renewals, and revenue by month."""

from datetime import date

from django.http import Http404
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from clients.revenue import queries
from clients.revenue.filters import ContractFilters, RevenueFilters
from clients.revenue.firm_lists import describe
from crm.core.base.dates import add_months
from crm.core.firm.queries import firm_today, get_firm
from crm.core.listing.files import table_file
from crm.core.ui.formatting import in_sentence

NARROWED_BY = {ContractFilters: ("owner", "service", "renews"), RevenueFilters: ("owner", "service", "kind")}
KINDS = {
    "notice": (gettext_lazy("Notice by"), "amber"),
    "renewal": (gettext_lazy("Renews"), "green"),
    "end": (gettext_lazy("Ends"), ""),
}
TITLES = {"client": gettext_lazy("Client"), "service": gettext_lazy("Service")}


class Narrowed:
    """The rows of a page, as its address narrows them by a few of the list's filters."""

    def __init__(self, request, kind):
        self.principal, self.now = request.principal, timezone.now()
        self.today, names = firm_today(self.now), (*NARROWED_BY[kind], "client")
        self.filters = kind(request.GET, principal=self.principal, now=self.now)
        self.filters.leave_out_unseen()
        self.filters.values = {name: value for name, value in self.filters.values.items() if name in names}
        self.filters.refused = {name: why for name, why in self.filters.refused.items() if name in names}
        self.shown = NARROWED_BY[kind]

    @property
    def query(self) -> dict[str, str]:
        """What narrows it, for the list behind a number."""
        values = {name: self.filters.one(name).chosen(value) for name, value in self.filters.values.items()}
        return {name: "1" if value is True else str(value) for name, value in values.items() if value is not False}

    def address(self, url_name: str, **more) -> str:
        found = urlencode(self.query | {name: value for name, value in more.items() if value})
        return f"{reverse(url_name)}?{found}" if found else reverse(url_name)

    def context(self):
        form = self.filters.shown_form(self.shown)
        return {
            "form": form,
            "remark": self.filters.remark,
            "currency": get_firm().currency,
            "is_narrowed": bool(self.query),
        }


def _month(text: str, otherwise: date) -> date:
    """The first of a month, from text such as 2027-01."""
    try:
        found = date.fromisoformat(f"{text}-01") if len(text) == 7 else otherwise
    except ValueError:
        found = otherwise
    return found.replace(day=1) if 1900 <= found.year <= 9000 else otherwise.replace(day=1)


@require_GET
def renewals(request):
    """By month: the last days for notice, renewals and ends; and what has to be decided next."""
    shown = Narrowed(request, ContractFilters)
    first = _month(request.GET.get("month", ""), shown.today)
    rows = shown.filters.apply(queries.contracts_of(shown.principal))
    running = rows.running(shown.today)
    due = queries.to_decide(running, shown.today)
    nearest = list(due[: queries.NEXT])
    describe(nearest, shown.today)
    months = [_shown_month(month, shown) for month in queries.calendar(running, first)]
    until = shown.today + queries.DECIDE_WITHIN
    context = shown.context() | {
        "today": shown.today,
        "nearest": nearest,
        "due": queries.yearly_of(due) if nearest else None,
        "due_n": due.count() if nearest else 0,
        "due_url": _list_of(shown, "notice", shown.today, add_days(until)),
        "months": months,
        "has_any": any(month["month"].n for month in months),
        "before_url": shown.address("clients:renewals", month=f"{add_months(first, -queries.MONTHS):%Y-%m}"),
        "after_url": shown.address("clients:renewals", month=f"{add_months(first, queries.MONTHS):%Y-%m}"),
        "month": request.GET.get("month", ""),
    }
    return render(request, "clients/revenue/renewals.html", context)


def add_days(day: date, n: int = 1) -> date:
    return date.fromordinal(day.toordinal() + n)


def _list_of(shown, kind, start, end):
    """The list of the contracts that a number counts."""
    given = {f"{kind}_from": start.isoformat(), f"{kind}_before": end.isoformat(), "state": "running", "comes_up": kind}
    return shown.address("clients:contracts", **given)


def _shown_month(month, shown):
    describe([event.contract for event in month.events], shown.today)
    totals = [
        {
            "label": KINDS[kind][0],
            "n": month.totals[kind][0],
            "total": month.totals[kind][1],
            "kind": kind,
            "url": _list_of(shown, kind, month.start, month.end),
        }
        for kind in KINDS
        if kind in month.totals
    ]
    events = [{"label": KINDS[event.kind][0], "tone": KINDS[event.kind][1], "event": event} for event in month.events]
    return {"month": month, "label": date_format(month.start, "F Y"), "totals": totals, "events": events}


def _table(request, *, shown_rows=queries.ROWS_SHOWN):
    shown = Narrowed(request, RevenueFilters)
    by = request.GET.get("by", "service")
    by = by if by in TITLES else "service"
    months = queries.months_until(_month(request.GET.get("until", ""), shown.today))
    rows = shown.filters.apply(queries.lines_of(shown.principal))
    return shown, by, queries.revenue_table(rows, by=by, months=months, shown=shown_rows)


@require_GET
def by_month(request):
    """Revenue of twelve months, by service or client; each number opens its lines."""
    shown, by, table = _table(request)
    first, last = table.months[0][0], table.months[-1][1]
    until = f"{table.months[-1][0]:%Y-%m}"
    context = shown.context() | {
        "table": table,
        "by": by,
        "title_of_rows": TITLES[by],
        "heads": [
            {"label": date_format(start, "M y"), "url": _lines(shown, start=start, end=end)}
            for start, end in table.months
        ],
        "rows": [_row(shown, table, line) for line in table.lines],
        "sums": _row(shown, table, table.sums, is_sum=True),
        "left_out": table.n - len(table.lines),
        "without_url": _lines(shown, start=first, end=last, unrated="1"),
        "switches": [
            {
                "label": in_sentence(str(label)),
                "url": shown.address("clients:revenue_by_month", by=key, until=until),
                "current": key == by,
            }
            for key, label in TITLES.items()
        ],
        "files": [
            {
                "label": kind.upper(),
                "url": shown.address("clients:revenue_by_month_export", by=by, until=until, **{"as": kind}),
            }
            for kind in ("csv", "xlsx")
        ],
        "before_url": shown.address("clients:revenue_by_month", by=by, until=f"{add_months(first, -1):%Y-%m}"),
        "after_url": shown.address(
            "clients:revenue_by_month", by=by, until=f"{add_months(last, queries.MONTHS - 1):%Y-%m}"
        ),
        "is_present": last > shown.today,
        "until": until,
    }
    return render(request, "clients/revenue/by_month.html", context)


def _lines(shown, *, start, end, **more):
    return shown.address("clients:revenue_lines", date_from=start.isoformat(), date_before=end.isoformat(), **more)


def _row(shown, table, line, *, is_sum=False):
    narrow = {} if is_sum else {table.by: line.key} if line.key else {"no_service": "1"}
    cells = [
        {"amount": amount, "url": _lines(shown, start=start, end=end, **narrow)}
        for amount, (start, end) in zip(line.cells, table.months, strict=True)
    ]
    whole = _lines(shown, start=table.months[0][0], end=table.months[-1][1], **narrow)
    return {"line": line, "cells": cells, "url": whole, "unrated_url": f"{whole}&unrated=1"}


@require_GET
def export_by_month(request):
    kind = request.GET.get("as", "csv")
    if kind not in ("csv", "xlsx"):
        raise Http404
    _shown, by, table = _table(request, shown_rows=None)
    return table_file(_file_rows(by, table), name=f"revenue-by-{by}", kind=kind)


def _file_rows(by, table):
    months = [f"{start:%Y-%m}" for start, _end in table.months]
    yield [str(TITLES[by]), *months, _("Total"), _("Amounts without a rate")]
    for line in table.lines:
        yield [line.name or _("No service"), *line.cells, line.total, line.without_rate]
    yield [_("Total"), *table.sums.cells, table.sums.total, table.sums.without_rate]
