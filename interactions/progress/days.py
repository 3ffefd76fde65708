"""On which day of its week a progress email is promised, when the schedule's day is a holiday of the firm or of the client."""

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
    """`day` the email is promised on; `moved` says why it is another one than usual, `skipped` why there is none."""

    day: date
    moved: str = ""
    skipped: str = ""


class Days:
    """The firm's calendar beside the clients' countries, read once for a whole round of planning."""

    def __init__(self, calendar: WorkingCalendar | None = None):
        self.calendar = calendar or WorkingCalendar.of(get_firm())

    def choose(self, schedule: ProgressSchedule, week: str) -> Chosen:
        """The day itself, unless it is a holiday and the schedule says what then. Never outside the local ISO week: a week has
        one email, and the next week has its own."""
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
        """Which holiday a day is, for people, or "". A weekend is none: who chose a Sunday meant it."""
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
        """Schedules whose email may be due on one of these days although it is not their weekday: their own day, another one of
        the same week, is a holiday of the firm or of the client's country. Only those few are looked at one by one."""
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
