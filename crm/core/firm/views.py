"""The firm's settings and working days."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from crm.core.base.permissions import may_administer, require
from crm.core.firm import services
from crm.core.firm.calendar import WorkingCalendar, public_holidays
from crm.core.firm.forms import DaysForm, FirmForm, HolidayForm, YearForm
from crm.core.firm.models import FirmSettings, Holiday
from crm.core.firm.queries import firm_today, get_firm
from crm.core.ui.actions import Outcome, form_action
from crm.core.ui.htmx import posted, render_page


@require_http_methods(["GET", "POST"])
def settings(request):
    require(may_administer(request.principal))
    form = FirmForm(posted(request), instance=FirmSettings.objects.filter(pk=1).first() or FirmSettings(pk=1))
    outcome = _save(request, form)
    if outcome.is_done:
        return redirect("core:settings")
    context = {"form": form, "conflict": outcome.conflict}
    return render_page(request, "core/firm/settings.html", context, status=outcome.status)


def _save(request, form) -> Outcome:
    def act():
        services.update_firm(request.principal, seen_version=form.seen_version(), **form.cleaned_data)
        messages.success(request, _("Saved."))

    return form_action(request, form, act)


@require_http_methods(["GET", "POST"])
def days(request):
    """The weekly pattern and the year's holidays."""
    require(may_administer(request.principal))
    form = DaysForm(posted(request), firm=get_firm())
    outcome = _save(request, form)
    if outcome.is_done:
        return redirect("core:days")
    context = _days_context(request, form, HolidayForm()) | {"conflict": outcome.conflict}
    return render_page(request, "core/firm/days.html", context, status=outcome.status)


def _days_context(request, form, holiday_form) -> dict:
    firm, today = get_firm(), firm_today(timezone.now())
    asked = YearForm(request.GET)
    year = asked.cleaned_data["year"] if asked.is_valid() else today.year
    own = list(
        Holiday.objects.between(today.replace(year=year, month=1, day=1), today.replace(year=year + 1, month=1, day=1))
    )
    kept = {row.date for row in own}
    calendar = WorkingCalendar.of(firm, own)
    public = public_holidays(firm.holiday_country, firm.holiday_region, year)
    rows = [
        {"date": row.date, "name": row.name, "own": row, "is_working": row.is_working, "is_public": row.date in public}
        for row in own
    ]
    rows += [
        {"date": day, "name": name, "own": None, "may_work": calendar.is_public(day)}
        for day, name in public.items()
        if day not in kept
    ]
    return {
        "form": form,
        "holiday_form": holiday_form,
        "rows": sorted(rows, key=lambda row: row["date"]),
        "year": str(year),
        "year_before": str(year - 1),
        "year_after": str(year + 1),
    }


@require_POST
def holiday_add(request):
    require(may_administer(request.principal))
    form = HolidayForm(request.POST)
    outcome = form_action(request, form, lambda: services.add_holiday(request.principal, **form.cleaned_data))
    if outcome.is_done:
        return redirect(f"{reverse('core:days')}?year={outcome.result.date.year}")
    context = _days_context(request, DaysForm(firm=get_firm()), form)
    return render_page(request, "core/firm/days.html", context, status=outcome.status)


@require_POST
def holiday_remove(request, pk):
    row = get_object_or_404(Holiday, pk=pk)
    worked = services.remove_holiday(request.principal, holiday=row)
    text = _("The firm works on %(name)s.") if worked else _("%(name)s was removed from the list.")
    messages.success(request, text % {"name": row.name})
    return redirect(f"{reverse('core:days')}?year={row.date.year}")
