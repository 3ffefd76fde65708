"""The firm's settings and the days it works on."""

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
    """Change settings of the firm. Raises StaleWrite when somebody else changed the same ones first, ServiceError for a change that
    an app refuses (a currency without rates)."""
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
    """A day of the firm's own. Raises ServiceError when the day has one already."""
    row, made = Holiday.objects.get_or_create(date=date, defaults={"name": name, "is_working": is_working})
    if not made:
        raise ServiceError(_("This day is already in the list: %(name)s.") % {"name": row.name}, field="date")
    return row


@service(may=may_administer)
def remove_holiday(principal: Principal, *, holiday: Holiday) -> Holiday | None:
    """Take a day off the list. One on which a public holiday falls becomes a day the firm works on, and is returned."""
    rows = Holiday.objects.filter(pk=holiday.pk)
    if not holiday.is_working and WorkingCalendar.of(queries.get_firm()).is_public(holiday.date):
        rows.update(is_working=True)
        return rows.get()
    rows.delete()
    return None
