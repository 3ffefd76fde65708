"""The filters of the outbox and of scheduled mail, and the tones of mail states."""

from datetime import date, datetime, time, timedelta

from django import forms
from django.utils.formats import date_format
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from crm.core.base.dates import iso_week, local_to_utc, week_day
from crm.core.firm.queries import get_firm
from crm.core.mail.choices import MailState

TONES = {
    MailState.SENT: "green",
    MailState.UNCERTAIN: "amber",
    MailState.DEAD: "red",
    MailState.EXPIRED: "red",
    MailState.HELD: "amber",
    MailState.PENDING: "blue",
    MailState.LEASED: "blue",
    MailState.SENDING: "blue",
}


WEEKS_BACK = 8


def week_bounds(week: str) -> tuple[datetime, datetime]:
    """Monday's midnight of a week and of the one after it, in the firm's zone."""
    zone = get_firm().time_zone
    monday = week_day(week, 0)
    return local_to_utc(monday, time(), zone), local_to_utc(monday + timedelta(days=7), time(), zone)


def week_words(week: str) -> str:
    """“23 Nov to 29 Nov, week 48”."""
    return _now("%(days)s, week %(n)d") % {"n": int(week[-2:]), "days": week_days(week)}


def week_days(week: str) -> str:
    """“23 Nov to 29 Nov”."""
    monday = week_day(week, 0)
    return _now("%(first)s to %(last)s") % {
        "first": date_format(monday, "j M"),
        "last": date_format(monday + timedelta(days=6), "j M"),
    }


def week_choices(today: date, chosen: str = "") -> list[tuple[str, str]]:
    """The weeks offered by the filter: next week, this one, earlier ones, and the chosen one."""
    monday = today - timedelta(days=today.weekday())
    weeks = [iso_week(monday + timedelta(days=7 * n)) for n in range(1, -WEEKS_BACK - 1, -1)]
    if chosen and chosen not in weeks:
        weeks.append(chosen)
    return [(week, week_words(week)) for week in weeks]


class ComingFilter(forms.Form):
    kind = forms.SlugField(required=False, max_length=40)
    whose = forms.ChoiceField(required=False, choices=[("all", _("All")), ("mine", _("Mine"))])
    cursor = forms.CharField(required=False, max_length=300)

    def values(self) -> dict:
        self.is_valid()
        return {name: self.cleaned_data.get(name) or "" for name in self.fields}


class StopForm(forms.Form):
    address = forms.EmailField(label=_("Address"), max_length=254)
    detail = forms.CharField(label=_("Why"), max_length=200, required=False)


class ReleaseForm(forms.Form):
    """Two buttons of one name."""

    cancel_waiting = forms.BooleanField(required=False)


class AnswerForm(forms.Form):
    let_through = forms.BooleanField(required=False)
