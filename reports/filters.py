"""The filter of every report, for pages and API: the period and the clients. Its state is in the URL."""

import re
from datetime import date, timedelta
from urllib.parse import urlencode

from django import forms
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from clients.records.choices import Tier
from clients.records.models import Client
from clients.segments import rules
from clients.segments.compile import condition, reader_of
from clients.segments.models import Segment
from clients.segments.queries import broken_words
from crm.core.base.dates import add_months
from crm.core.listing.filters import people
from crm.core.ui.formatting import number
from crm.core.ui.forms import DateInput
from crm.core.users.models import Team, User
from reports.periods import Period, month_end
from reports.scope import REVENUE, STATUS, InSegment, Scope

FIRST_YEAR, LAST_YEAR = 1970, 2199
MONTHS_OFFERED = 36
MOST_DAYS = 30 * 366


class PersonField(forms.ModelChoiceField):
    """A colleague, by id, email, or “me”."""

    me: int | None = None

    def to_python(self, value):
        if value == "me":
            value = self.me
        elif value and "@" in str(value):
            value = User.objects.filter(email__iexact=value).values_list("pk", flat=True).first() or 0
        return super().to_python(value)


class ReportFilter(forms.Form):
    """`month` (the twelve months to its end) or `start` and `end` (half-open); without either the twelve months to today."""

    month = forms.CharField(label=_("Twelve months to"), required=False, widget=forms.Select)
    start = forms.DateField(required=False, input_formats=["%Y-%m-%d"], widget=DateInput)
    end = forms.DateField(required=False, input_formats=["%Y-%m-%d"], widget=DateInput)
    basis = forms.ChoiceField(
        label=_("Basis"),
        required=False,
        choices=[("", _("The firm's basis")), (STATUS, _("By status")), (REVENUE, _("By revenue"))],
    )
    team = forms.ModelChoiceField(Team.objects.none(), label=_("Team"), required=False, empty_label=_("All teams"))
    owner = PersonField(
        User.objects.none(), label=_("Account manager"), required=False, empty_label=_("All account managers")
    )
    tier = forms.ChoiceField(
        label=_("Tier"),
        required=False,
        choices=[("", _("All tiers")), *[(t.value, _("Tier %s") % t.label) for t in Tier]],
    )

    segment = forms.ModelChoiceField(
        Segment.objects.none(),
        label=_("Segment"),
        required=False,
        empty_label=_("All segments"),
        error_messages={
            "invalid_choice": _("This segment was deleted, or is not shared with you. Choose another, or none.")
        },
    )

    def __init__(self, data, *, principal, firm, today):
        super().__init__(data)
        self.asked = data
        self.principal, self.firm, self.today = principal, firm, today
        self.fields["team"].queryset = Team.objects.kept()
        self.fields["segment"].queryset = Segment.objects.visible_to(principal).kept()
        seen = Client.objects.visible_to(principal)
        owning = Exists(seen.filter(owner=OuterRef("pk")))
        owner = self.fields["owner"]
        owner.me = principal.user_id
        owner.queryset = User.objects.filter(Q(pk=owner.me) | Q(roles__contains=["account_manager"]) | owning)

    def clean_month(self):
        text = self.cleaned_data["month"]
        if not text:
            return None
        found = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", text)
        if not found or not FIRST_YEAR < int(found[1]) <= LAST_YEAR:
            raise forms.ValidationError(_("Enter a month, such as 2026-11."))
        month = date(int(found[1]), int(found[2]), 1)
        if month > self.today:
            raise forms.ValidationError(_("This month has not started yet."))
        return month

    def clean_segment(self):
        """Raises ValidationError for one whose rule names something that is gone: no number is shown for it."""
        row = self.cleaned_data["segment"]
        if row is None:
            return None
        parsed = rules.read(row.rule)
        if not parsed.is_sound:
            raise forms.ValidationError(broken_words(row, parsed))
        reader = reader_of(self.principal, timezone.now(), me=row.owner_id)
        return InSegment(row.pk, condition(parsed, reader))

    def clean(self):
        found = super().clean()
        for name in ("start", "end"):
            if found.get(name) and not FIRST_YEAR < found[name].year <= LAST_YEAR:
                self.add_error(name, _("Enter a date between 1971 and 2199."))
        start, end = found.get("start"), found.get("end")
        if start and not self.data.get("end"):
            end = self.today + timedelta(days=1)
        if start and end and start >= end:
            self.add_error("end", _("The end must be after the start. It is the first day after the period."))
        if start and end and (end - start).days > MOST_DAYS:
            self.add_error("start", _("A period can be at most thirty years long."))
        return found

    @property
    def period(self) -> Period:
        found = self.cleaned_data
        tomorrow = self.today + timedelta(days=1)
        if found["month"]:
            return Period.year_to(month_end(found["month"], self.today))
        if found["start"]:
            return Period(found["start"], found["end"] or tomorrow)
        return Period.year_to(found["end"] or tomorrow)

    @property
    def query(self) -> str:
        """The filter as a query string, to pass to the next page; "" if empty."""
        names = (name for name in self.fields if self.asked.get(name))
        text = urlencode([(name, self.asked[name]) for name in names])
        return f"?{text}" if text else ""

    @property
    def scope(self) -> Scope:
        found = self.cleaned_data
        basis = found["basis"] or self.firm.retention_basis
        chosen = {name: found[name] for name in ("owner", "team", "tier", "segment")}
        return Scope(self.firm, self.today, self.principal, basis, **chosen)

    @property
    def seen_words(self) -> str:
        """How many clients the report covers: colleagues who see other clients get other numbers."""
        count = self.scope.clients().count()
        return ngettext("%(n)s client you can see", "%(n)s clients you can see", count) % {"n": number(count)}

    def offer(self) -> None:
        """Offer the months, the period of the URL if it is not one of them, and the account managers."""
        period = self.period
        months = [add_months(self.today.replace(day=1), -back) for back in range(MONTHS_OFFERED)]
        choices = [(month.strftime("%Y-%m"), _year_words(month, self.today)) for month in months]
        chosen = period.last_day.replace(day=1)
        if period == Period.year_to(month_end(chosen, self.today)):
            if chosen < months[-1]:
                choices.append((chosen.strftime("%Y-%m"), _year_words(chosen, self.today)))
            self.initial_month = chosen.strftime("%Y-%m")
        else:
            choices.insert(0, ("", f"{date_format(period.start, 'j M Y')} – {date_format(period.last_day, 'j M Y')}"))
            self.initial_month = ""
        self.fields["month"].widget.choices = choices
        self.data = {**{name: self.data.get(name, "") for name in self.fields}, "month": self.initial_month}
        self.data["basis"] = self.scope.basis
        segment = self.fields["segment"]
        segments = list(segment.queryset.values_list("pk", "name"))
        segment.choices = [("", segment.empty_label), *segments]
        if not segments:
            del self.fields["segment"]
        owner = self.fields["owner"]
        owner.choices = [("", owner.empty_label), *people(self, owner.queryset)]
        self.data["owner"] = "me" if self.scope.owner == self.principal.user else self.data["owner"]
        self.fields["basis"].choices = self.fields["basis"].choices[1:]


def _year_words(month: date, today: date) -> str:
    """“Dec 2025 – Nov 2026”: the twelve months to the end of a month; with days if that month is not over."""
    period = Period.year_to(month_end(month, today))
    if period.is_cut:
        return f"{date_format(period.start, 'j M Y')} – {date_format(period.last_day, 'j M Y')}"
    return f"{date_format(add_months(month, -11), 'M Y')} – {date_format(month, 'M Y')}"
