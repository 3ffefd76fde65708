"""The filters of the outbox and of scheduled mail, and the tones of mail states."""

from datetime import date, datetime, time, timedelta

from django import forms
from django.db.models import F, Q, QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from crm.core.base.dates import iso_week, local_to_utc, week_day
from crm.core.firm.queries import get_firm
from crm.core.mail import kinds
from crm.core.mail.choices import MAIL_WAITING, MailState

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


# The list's views: what they show of the mails, by the name in the address.
VIEWS = {
    "": _("All"),
    "waiting": _("Waiting"),
    "decide": _("Needs a decision"),
    "failed": _("Failed"),
    "late": _("Late"),
}
WEEKS_BACK = 8


class OutboxFilter(forms.Form):
    """All fields may be empty; what cannot be read is left out."""

    q = forms.CharField(required=False, max_length=100, strip=True)
    show = forms.ChoiceField(required=False, choices=VIEWS.items())
    state = forms.ChoiceField(required=False, choices=[("", _("Any state")), *MailState.choices])
    kind = forms.ChoiceField(required=False, choices=lambda: [("", _("Any kind")), *kinds.choices()])
    week = forms.RegexField(r"^\d{4}-W\d{2}$", required=False)
    client = forms.IntegerField(required=False, min_value=1)
    cursor = forms.CharField(required=False, max_length=300)

    def clean_week(self):
        week = self.cleaned_data["week"]
        try:
            return week if not week or 1970 <= week_day(week, 0).year <= 2200 else ""
        except ValueError:
            return ""

    def values(self) -> dict:
        self.is_valid()
        values = {name: self.cleaned_data.get(name) or "" for name in self.fields}
        if values["state"] == MailState.UNCERTAIN and not values["show"]:
            values |= {"show": "decide", "state": ""}  # the banner's address
        return values

    def narrow(self, rows: QuerySet, now: datetime) -> QuerySet:
        values = self.values()
        if values["q"]:
            rows = rows.filter(
                Q(to_address__icontains=values["q"])
                | Q(to_name__icontains=values["q"])
                | Q(subject__icontains=values["q"])
            )
        for name, column in (("state", "state"), ("kind", "kind"), ("client", "client_id")):
            if values[name]:
                rows = rows.filter(**{column: values[name]})
        if values["week"]:
            start, end = _week_bounds(values["week"])
            rows = rows.filter(planned_for__gte=start, planned_for__lt=end)
        return rows.filter(_of_view(values["show"], now))


def _of_view(view: str, now: datetime) -> Q:
    if view == "waiting":
        return Q(state__in=MAIL_WAITING)
    if view == "decide":
        return Q(state=MailState.UNCERTAIN)
    if view == "failed":
        return Q(state__in=[MailState.DEAD, MailState.EXPIRED])
    if view == "late":
        return Q(sent_at__gt=F("deadline_at")) | Q(state__in=MAIL_WAITING, deadline_at__lt=now)
    return Q()


def _week_bounds(week: str) -> tuple[datetime, datetime]:
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


class BulkDecision(forms.Form):
    """What is decided about the mails that were picked."""

    action = forms.ChoiceField(choices=[("arrived", _("They arrived")), ("again", _("Send again"))])
    all_matching = forms.BooleanField(required=False)
    ids = forms.TypedMultipleChoiceField(required=False, coerce=int)

    def __init__(self, data):
        super().__init__(data)
        ids = [value for value in data.getlist("ids") if value.isdigit() and len(value) < 19]
        self.fields["ids"].choices = [(value, value) for value in ids]

    def chosen(self, mails: QuerySet, now: datetime) -> QuerySet:
        """The selected mails: picked one by one, or all that the list's filters match."""
        if self.cleaned_data["all_matching"]:
            return OutboxFilter(self.data).narrow(mails, now)
        return mails.filter(pk__in=self.cleaned_data["ids"])


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


class StoppedFilter(forms.Form):
    q = forms.CharField(required=False, max_length=100, strip=True)
    cursor = forms.CharField(required=False, max_length=300)

    def values(self) -> dict:
        self.is_valid()
        return {name: self.cleaned_data.get(name) or "" for name in self.fields}


class ReleaseForm(forms.Form):
    """Two buttons of one name."""

    cancel_waiting = forms.BooleanField(required=False)


class AnswerForm(forms.Form):
    let_through = forms.BooleanField(required=False)
