"""The firm's settings and the days it works on."""

from datetime import date

from django.utils.translation import gettext as _

from crm.core.base.errors import ServiceError
from crm.core.base.permissions import may_administer
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.base.versions import save_version
from crm.core.firm import queries
from crm.core.firm.calendar import public_holidays
from crm.core.firm.models import FirmSettings, Holiday
from crm.core.firm.signals import firm_changed


@service(may=may_administer)
def update_firm(principal: Principal, *, seen_version: int | None = None, **fields) -> FirmSettings:
    """Change settings of the firm. Raises StaleWrite when somebody else changed the same ones first."""
    FirmSettings.objects.get_or_create(pk=1)
    firm = FirmSettings.objects.select_for_update().get(pk=1)
    changed = {name for name, value in fields.items() if getattr(firm, name) != value}
    for name, value in fields.items():
        setattr(firm, name, value)
    save_version(firm, fields=[*fields], seen=seen_version)
    queries.forget_firm()
    firm_changed.send(FirmSettings, fields=changed)
    return firm


@service(may=may_administer)
def add_holiday(principal: Principal, *, date: date, name: str, is_working: bool = False) -> Holiday:
    """A day of the firm's own. Raises ServiceError when the day has one already."""
    row, made = Holiday.objects.get_or_create(date=date, defaults={"name": name, "is_working": is_working})
    if not made:
        raise ServiceError(_("This day is in the list already: %(name)s.") % {"name": row.name}, field="date")
    return row


@service(may=may_administer)
def remove_holiday(principal: Principal, *, holiday: Holiday) -> None:
    Holiday.objects.filter(pk=holiday.pk).delete()


@service(may=may_administer)
def import_public_holidays(principal: Principal, *, country: str, region: str, year: int) -> int:
    """Copy a country's public holidays of a year into the firm's list, where they can be edited. Existing days stay.

    Returns how many were added.
    """
    found = public_holidays(country, region, year)
    known = set(Holiday.objects.filter(date__in=found).values_list("date", flat=True))
    Holiday.objects.bulk_create([Holiday(date=day, name=name[:120]) for day, name in found.items() if day not in known])
    return len(found) - len(known)
