"""How cells become values, and how a row finds what it belongs to."""

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from babel import Locale
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Value
from django.utils.translation import gettext as _

from clients.catalogue.models import Service
from clients.records.external import find_externals, link_externals
from clients.records.models import Client
from crm.core.base.errors import ServiceError
from crm.core.base.models import Folded
from crm.core.base.principals import Principal
from crm.core.base.zones import validate_zone
from crm.core.firm.languages import known_language
from crm.core.importing import tabular
from crm.core.importing.kinds import RowResult, identity
from crm.core.users.models import Team, User

Context = dict[str, Any]
LANGUAGE_CODE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z]{2,4})?")
# What other systems write and the language tables do not have.
OTHER_COUNTRY_NAMES = {
    "usa": "US",
    "unitedstatesofamerica": "US",
    "america": "US",
    "uk": "GB",
    "greatbritain": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northernireland": "GB",
    "czechrepublic": "CZ",
    "republicofireland": "IE",
    "eire": "IE",
    "holland": "NL",
    "thenetherlands": "NL",
    "russianfederation": "RU",
    "korea": "KR",
    "republicofkorea": "KR",
    "uae": "AE",
    "turkey": "TR",
    "macedonia": "MK",
    "swaziland": "SZ",
    "ivorycoast": "CI",
    "burma": "MM",
    "vietnam": "VN",
    "hongkong": "HK",
    "macau": "MO",
    "taiwan": "TW",
    "moldova": "MD",
    "iran": "IR",
    "syria": "SY",
    "tanzania": "TZ",
    "bolivia": "BO",
    "venezuela": "VE",
}


def choice_parser(choices):
    """A parser for a TextChoices: value or label in any writing."""

    def parse(text: str, context: Context) -> str:
        wanted = tabular.fold(text)
        for value, label in choices.choices:
            if wanted in (tabular.fold(str(value)), tabular.fold(str(label))):
                return value
        allowed = ", ".join(str(label) for _value, label in choices.choices)
        raise ValueError(_("“%(text)s” is none of: %(allowed)s.") % {"text": text[:40], "allowed": allowed})

    return parse


def choices_of(choices):
    return lambda: [(value, label) for value, label in choices.choices]


def parse_date(text: str, context: Context):
    return tabular.parse_date(text, context["date_order"])


def parse_amount(text: str, context: Context):
    return tabular.parse_amount(text)


def parse_email(text: str, context: Context) -> str:
    text = text.removeprefix("mailto:").strip()
    try:
        validate_email(text)
    except ValidationError as error:
        raise ValueError(_("“%(text)s” is not an e-mail address.") % {"text": text[:60]}) from error
    return text


def parse_whole(text: str, context: Context) -> int:
    number = tabular.parse_amount(text)
    if number != int(number) or number < 0:
        raise ValueError(_("“%(text)s” is not a whole number.") % {"text": text[:40]})
    return int(number)


def parse_bool(text: str, context: Context) -> bool:
    folded = tabular.fold(text)
    if folded in ("1", "true", "yes", "y", "ja", "oui", "si", "x"):
        return True
    if folded in ("0", "false", "no", "n", "nein", "non"):
        return False
    raise ValueError(_("“%(text)s” is neither yes nor no.") % {"text": text[:40]})


def parse_zone(text: str, context: Context) -> str:
    try:
        validate_zone(text)
    except ValidationError as error:
        raise ValueError(error.messages[0]) from error
    return text


def parse_language(text: str, context: Context) -> str:
    """A code as it is; the name of a language that emails are written in as its code ("German" is de); else short text."""
    name = "" if LANGUAGE_CODE.fullmatch(text) else known_language(text)
    return name or limited(10)(text, context)


def parse_currency(text: str, context: Context) -> str:
    text = text.upper()
    if len(text) != 3 or not text.isalpha():
        raise ValueError(_("“%(text)s” is not a currency such as EUR.") % {"text": text[:20]})
    return text


def limited(length: int):
    """A parser for text of at most `length` characters."""

    def parse(text: str, context: Context) -> str:
        if len(text) > length:
            raise ValueError(_("is longer than %(n)d characters.") % {"n": length})
        return text

    return parse


@cache
def _countries() -> dict[str, str]:
    names = dict(OTHER_COUNTRY_NAMES)
    for language in ("en", "de", "fr", "es", "it", "nl", "sv", "fi"):
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and code.isalpha():
                names.setdefault(tabular.fold(name), code)
                names[code.lower()] = code
    return names


def parse_country(text: str, context: Context) -> str:
    code = _countries().get(tabular.fold(text))
    if code is None:
        raise ValueError(
            _("“%(text)s” is not a country we know. Write its name in English or its two letters.")
            % {"text": text[:40]}
        )
    return code


def people_choices() -> list[tuple[str, str]]:
    return [(user.email, user.name) for user in User.objects.active()]


def find_user(text: str, context: Context) -> User | None:
    """By e-mail address or full name, ignoring case and spaces; None for nobody, or for more than one."""
    people = context["cache"].get("people")
    if people is None:
        people = context["cache"]["people"] = _people()
    return people.get(tabular.fold(text))


def _people() -> dict[str, User | None]:
    found: dict[str, User | None] = {}
    for user in User.objects.active():
        found[tabular.fold(user.email)] = user
        name = tabular.fold(user.name)
        found[name] = None if name in found else user
    return found


def default_owner(principal: Principal, context: Context) -> User:
    """The owner chosen for all rows, else the user who imports."""
    chosen = context["defaults"].get("owner")
    return (find_user(chosen, context) if chosen else None) or principal.user


def owner_of(text: str | None, principal: Principal, context: Context, result: RowResult) -> User:
    """The account manager named in the row. An unknown name gives the default and a warning."""
    fallback = default_owner(principal, context)
    if not text:
        return fallback
    user = find_user(text, context)
    if user is None:
        result.warnings.append(
            _("Nobody is called “%(name)s”; the account manager would be %(owner)s.")
            % {"name": text[:60], "owner": fallback.name}
        )
    return user or fallback


def find_team(text: str | None, context: Context, result: RowResult) -> Team | None:
    if not text:
        return None
    team = Team.objects.filter(name__iexact=text, archived_at=None).first()
    if team is None:
        result.warnings.append(_("There is no team “%(name)s”; left empty.") % {"name": text[:60]})
    return team


def find_service(text: str | None, result: RowResult) -> Service | None:
    if not text:
        return None
    service = Service.objects.filter(name__iexact=text).first() or Service.objects.filter(code__iexact=text).first()
    if service is None:
        result.warnings.append(_("There is no service “%(name)s”; left empty.") % {"name": text[:60]})
    return service


def known(kind: str, values: dict[str, Any], context: Context) -> int | None:
    """The id of the row's object, when it was imported before."""
    value = identity(values)
    cached = context["cache"].setdefault(f"ids:{kind}", {})
    if value not in cached:
        cached |= find_externals(system=context["system"], kind=kind, values=[value])
    return cached.get(value)


def load_known(kind: str, rows: list[dict[str, Any]], context: Context, field: str = "") -> None:
    """Look a batch's ids up in one query."""
    values = [value for row in rows if (value := row.get(field) if field else identity(row))]
    cached = context["cache"].setdefault(f"ids:{kind}", {})
    cached |= dict.fromkeys(values) | find_externals(system=context["system"], kind=kind, values=values)


def remember(kind: str, pairs: Iterable[tuple[dict[str, Any], int]], context: Context) -> None:
    """Keep what each row became: (values, id of the object)."""
    ids = {identity(values): object_id for values, object_id in pairs}
    link_externals(system=context["system"], kind=kind, ids=ids)
    context["cache"].setdefault(f"ids:{kind}", {}).update(ids)


def creator(kind: str, save: Callable[[Principal, list[Any], Context], list[Any]]):
    """The `create` of an import: `save(principal, rows, context)` writes the new rows together and returns the objects in their
    order; what each row became is remembered."""

    def create(principal: Principal, pairs: list[tuple[dict[str, Any], Any]], context: Context) -> None:
        made = save(principal, [new for _values, new in pairs], context)
        remember(kind, [(values, row.pk) for (values, _new), row in zip(pairs, made, strict=True)], context)

    return create


def client_of(principal: Principal, values: dict[str, Any], context: Context) -> Client:
    """The client a row belongs to: by its id in the other system, then by an exact name. Raises ServiceError."""
    ref, name = values.get("client_external_id"), values.get("client_name")
    clients = Client.objects.visible_to(principal).kept()
    if ref:
        cached = context["cache"].setdefault("ids:client", {})
        if ref not in cached:
            cached |= find_externals(system=context["system"], kind="client", values=[ref])
        client = clients.filter(pk=cached.get(ref)).first() if cached.get(ref) else None
        if client is None and not name:
            raise ServiceError(
                _(
                    "No client has the id “%(id)s” in “%(system)s”. Import the clients first, under the same name of the system."
                )
                % {"id": ref[:60], "system": context["system"]}
            )
        if client is not None:
            return client
    if not name:
        raise ServiceError(_("The row names no client."))
    found = list(clients.filter(name_key=Folded(Value(name)))[:2])
    if len(found) != 1:
        message = (
            _("No client is called “%(name)s”.")
            if not found
            else _("More than one client is called “%(name)s”; give its id.")
        )
        raise ServiceError(message % {"name": name[:80]})
    return found[0]


def changed_fields(row, values: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    """The fields whose cells differ from the row. Empty cells and spacing change nothing."""
    return {
        name: values[name]
        for name in fields
        if values.get(name) not in (None, "") and _plain(getattr(row, name)) != _plain(values[name])
    }


def _plain(value):
    return " ".join(value.split()) if isinstance(value, str) else value
