"""The firm's settings and working days."""

from datetime import date

from django.utils.translation import gettext as _

from crm.core.base.errors import ServiceError
from crm.core.base.permissions import may_administer
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.base.versions import save_version
from crm.core.firm import queries
from crm.core.firm.calendar import WorkingCalendar
from crm.core.firm.models import FirmSettings, Holiday
from crm.core.firm.signals import firm_changed


@service(may=may_administer)
def update_firm(principal: Principal, *, seen_version: int | None = None, **fields) -> FirmSettings:
    """Change settings of the firm. Raises StaleWrite if someone else changed the same ones first, ServiceError if an
    app refuses the change (a currency without rates).
    """
    FirmSettings.objects.get_or_create(pk=1)
    firm = FirmSettings.objects.select_for_update().get(pk=1)
    before = {name: getattr(firm, name) for name, value in fields.items() if getattr(firm, name) != value}
    for name, value in fields.items():
        setattr(firm, name, value)
    save_version(firm, fields=[*fields], seen=seen_version)
    queries.forget_firm()
    try:
        firm_changed.send(FirmSettings, fields=set(before), before=before)
    except ServiceError:
        queries.forget_firm()
        raise
    return firm


@service(may=may_administer)
def add_holiday(principal: Principal, *, date: date, name: str, is_working: bool = False) -> Holiday:
    """Add a holiday or working day of the firm. Raises ServiceError if the day already has one."""
    row, made = Holiday.objects.get_or_create(date=date, defaults={"name": name, "is_working": is_working})
    if not made:
        raise ServiceError(_("This day is already in the list: %(name)s.") % {"name": row.name}, field="date")
    return row


@service(may=may_administer)
def remove_holiday(principal: Principal, *, holiday: Holiday) -> Holiday | None:
    """Remove a day from the list. If a public holiday falls on it, it becomes a working day, which is returned."""
    rows = Holiday.objects.filter(pk=holiday.pk)
    if not holiday.is_working and WorkingCalendar.of(queries.get_firm()).is_public(holiday.date):
        rows.update(is_working=True)
        return rows.get()
    rows.delete()
    return None
