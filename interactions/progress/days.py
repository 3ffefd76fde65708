"""The day of a week on which a progress email is due, when its usual day is a holiday of the firm or of the client."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Q
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clients.records.models import Client
from crm.core.base.dates import iso_week, week_day
from crm.core.base.places import country_name
from crm.core.firm.calendar import WorkingCalendar, holiday_there
from crm.core.firm.queries import get_firm
from interactions.progress.choices import OnHoliday
from interactions.progress.models import ProgressSchedule


@dataclass(frozen=True)
class Chosen:
    """The `day` it is due; `moved` says why that is not the usual day, `skipped` why there is no email."""

    day: date
    moved: str = ""
    skipped: str = ""


class Days:
    """The holidays of the firm and of clients' countries, loaded once for a run of planning."""

    def __init__(self, calendar: WorkingCalendar | None = None):
        self.calendar = calendar or WorkingCalendar.of(get_firm())

    def choose(self, schedule: ProgressSchedule, week: str) -> Chosen:
        """The usual day, or what the schedule says for a holiday. Never outside the local ISO week: each week has one email."""
        day = week_day(week, schedule.weekday)
        if schedule.on_holiday == OnHoliday.SEND:
            return Chosen(day)
        why = self.holiday(schedule.client, day)
        if not why:
            return Chosen(day)
        if schedule.on_holiday == OnHoliday.BEFORE and (other := self._other_day(schedule.client, day)):
            usual = date_format(day, "D j M")
            return Chosen(other, moved=_("Moved from %(day)s: %(why)s") % {"day": usual, "why": why})
        return Chosen(day, skipped=_("No email this week: %(why)s") % {"why": why})

    def _other_day(self, client: Client, day: date) -> date | None:
        """The working day before, else the next one, within the week."""
        monday = day - timedelta(days=day.weekday())
        before = [day - timedelta(days=n) for n in range(1, day.weekday() + 1)]
        after = [day + timedelta(days=n) for n in range(1, (monday + timedelta(days=6) - day).days + 1)]
        free = (other for other in (*before, *after) if self.calendar.is_working(other))
        return next((other for other in free if not self.client_holiday(client, other)), None)

    def holiday(self, client: Client, day: date) -> str:
        """The name of the holiday on that day, or "". A weekend is no holiday: a schedule for Sundays is meant."""
        if ours := self.calendar.closed_for(day):
            return _("%(holiday)s (our holiday)") % {"holiday": ours}
        if theirs := self.client_holiday(client, day):
            return _("%(holiday)s (holiday in %(country)s)") % {
                "holiday": theirs,
                "country": country_name(client.country),
            }
        return ""

    @staticmethod
    def client_holiday(client: Client, day: date) -> str:
        return holiday_there(client.country, client.region, day)

    def moved_to(self, days: list[date]) -> Q:
        """Schedules whose email may have moved to one of these days: their usual day in the same week is a holiday of the firm
        or of the client's country."""
        countries = _countries_written_to()
        found = Q(pk__in=[])
        for week in {iso_week(day) for day in days}:
            week_days = [week_day(week, n) for n in range(7)]
            ours = [day.weekday() for day in week_days if self.calendar.closed_for(day)]
            found |= Q(weekday__in=ours, next_week__lte=week)
            for country, regions in countries.items():
                kept = [day for day in week_days if any(holiday_there(country, region, day) for region in regions)]
                if kept:
                    theirs = [day.weekday() for day in kept]
                    found |= Q(weekday__in=theirs, next_week__lte=week, client__country=country)
        return Q(on_holiday=OnHoliday.BEFORE) & found


def _countries_written_to() -> dict[str, set[str]]:
    """Country → regions of the clients that get progress emails and whose holidays move them."""
    rows = ProgressSchedule.objects.filter(is_active=True, on_holiday=OnHoliday.BEFORE).exclude(client__country="")
    found: dict[str, set[str]] = {}
    for country, region in rows.values_list("client__country", "client__region").distinct():
        found.setdefault(country, set()).add(region)
    return found
