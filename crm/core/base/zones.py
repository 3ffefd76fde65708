"""Time zones: the names people may choose, and validation."""

from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

known_zones = cache(available_timezones)  # the lookup walks through about a thousand files
_AREAS = ("Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")


@cache
def zone_names() -> tuple[str, ...]:
    """IANA names to choose from, sorted: areas with cities, and UTC."""
    return ("UTC", *sorted(name for name in known_zones() if name.startswith(_AREAS)))


@cache
def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name. Raises ZoneInfoNotFoundError for an unknown name."""
    return ZoneInfo(name)


def validate_zone(name: str) -> None:
    if name not in known_zones():
        raise ValidationError(
            _("“%(name)s” is not a time zone. Choose one such as Europe/Helsinki."), params={"name": name}
        )


def zone_choices(blank: str | None = None) -> list[tuple[str, str]]:
    names = [(name, name.replace("_", " ")) for name in zone_names()]
    return [("", blank), *names] if blank is not None else names
