"""How a row of a file finds what it belongs to, and what the imports of records have in common."""

from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from django.db.models import QuerySet, Value
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.catalogue.models import Service
from clients.contacts.models import Contact
from clients.records.external import find_externals, link_externals
from clients.records.models import Client
from crm.core.base.errors import ServiceError
from crm.core.base.models import Folded
from crm.core.base.principals import Principal
from crm.core.base.reading import fold
from crm.core.fields.types import Context
from crm.core.importing.kinds import Column, ImportKind, RowResult, identity
from crm.core.users.models import Team, User

CLIENT_ID = ("customerid", "customer id", "account id", "accountid", "client id")
CLIENT_NAME = ("client", "customer", "company", "account name")


def external_id(*aliases: str) -> Column:
    return Column("external_id", gettext_lazy("Id in the other system"), aliases)


def client_columns(ids: tuple[str, ...] = CLIENT_ID, names: tuple[str, ...] = CLIENT_NAME) -> tuple[Column, Column]:
    """The columns by which a row names its client (`client_of`)."""
    return (
        Column("client_external_id", gettext_lazy("Client’s id"), ids),
        Column("client_name", gettext_lazy("Client’s name"), names),
    )


def record_kind(
    key: str, label: Any, *, of: str, work: Callable[..., RowResult], create: Callable, **given
) -> ImportKind:
    """An import of records that other systems know by the kind `of`. `work(principal, values, context, write=…)` checks a row and,
    where it is to write, saves one that is known or leaves a new one in the result's `new`; `create(principal, rows, context)` writes
    the new rows together and returns the objects in their order."""

    def enter(principal: Principal, pairs: list[tuple[dict[str, Any], Any]], context: Context) -> None:
        made = create(principal, [new for _values, new in pairs], context)
        became = [(values, row.pk) for (values, _new), row in zip(pairs, made, strict=True)]
        remember(of, became, context)
        if "keys" in given:
            taken(of, context).update({pk: values["row_key"] for values, pk in became})

    def prepare(principal: Principal, rows: list[dict[str, Any]], context: Context) -> None:
        load_known(of, rows, context)
        load_known("client", rows, context, field="client_external_id")

    return ImportKind(
        key=key,
        label=label,
        save=partial(work, write=True),
        check=partial(work, write=False),
        create=enter,
        prepare=prepare,
        may_import=lambda user: user.sees_all or user.is_account_manager,
        **given,
    )


def known_row(of: str, rows: QuerySet, values: dict[str, Any], context: Context) -> Any:
    """The visible row that this one became when it was imported before, or None."""
    found = known(of, values, context)
    return rows.filter(pk=found).first() if found else None


def taken(of: str, context: Context) -> dict[int, str]:
    """{object: the row of this file that it belongs to}, so that two rows with one address or domain are two objects."""
    return context.setdefault(f"taken:{of}", {})


def is_free(of: str, row: Any, values: dict[str, Any], context: Context) -> bool:
    return taken(of, context).get(row.pk, values["row_key"]) == values["row_key"]


def the_one(found: list[Any], name: str) -> Any:
    """The only one, or of several the one with this name; else None."""
    if len(found) > 1:
        found = [row for row in found if fold(row.name) == fold(name)]
    return found[0] if len(found) == 1 else None


def find_user(text: str, context: Context) -> User | None:
    """By e-mail address or full name, ignoring case and spaces; None for nobody, or for more than one."""
    if "people" not in context["cache"]:
        users = [*User.objects.active()]
        names = Counter(fold(user.name) for user in users)
        named = {fold(user.name): user for user in users if names[fold(user.name)] == 1}
        context["cache"]["people"] = named | {fold(user.email): user for user in users}
    return context["cache"]["people"].get(fold(text))


def owner_of(text: str | None, principal: Principal, context: Context, result: RowResult) -> User:
    """The account manager named in the row; else the one chosen for all rows, or the user who imports. An unknown name gives a warning."""
    chosen = context["defaults"].get("owner")
    user = find_user(text, context) if text else None
    fallback = user or (chosen and find_user(chosen, context)) or principal.user
    if text and user is None:
        message = _("Nobody is called “%(name)s”; the account manager would be %(owner)s.")
        result.warnings.append(message % {"name": text[:60], "owner": fallback.name})
    return fallback


def present(found: dict[str, Any], warning: str, result: RowResult, **words) -> list[Any]:
    """What was found of {name in the row: object or None}; what was not gives the warning (with %(name)s)."""
    result.warnings += [warning % {"name": name[:60], **words} for name, row in found.items() if row is None]
    return [row for row in found.values() if row is not None]


def find_team(text: str, result: RowResult) -> Team | None:
    found = {text: Team.objects.filter(name__iexact=text, archived_at=None).first()} if text else {}
    return next(iter(present(found, _("There is no team “%(name)s”; left empty."), result)), None)


def find_service(text: str, result: RowResult) -> Service | None:
    called, coded = Service.objects.filter(name__iexact=text), Service.objects.filter(code__iexact=text)
    found = {text: called.first() or coded.first()} if text else {}
    return next(iter(present(found, _("There is no service “%(name)s”; left empty."), result)), None)


def contacts_of(client: Client, addresses: Iterable[str], result: RowResult) -> list[Contact]:
    """The client's people with these addresses."""
    people = Contact.objects.filter(affiliations__client=client)
    found = {address: people.filter(emails__address__iexact=address).first() for address in addresses}
    warning = _("Nobody at %(client)s has the address %(name)s; left empty.")
    return present(found, warning, result, client=client.name)


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


def client_of(principal: Principal, values: dict[str, Any], context: Context) -> Client:
    """The client a row belongs to: by its id in the other system, then by an exact name. Raises ServiceError."""
    ref, name = values.get("client_external_id"), values.get("client_name")
    clients = Client.objects.visible_to(principal).kept()
    if ref:
        client = known_row("client", clients, {"external_id": ref}, context)
        if client is None and not name:
            message = _(
                "No client has the id “%(id)s” in “%(system)s”. Import the clients first, under the same name of the system."
            )
            raise ServiceError(message % {"id": ref[:60], "system": context["system"]})
        if client is not None:
            return client
    if not name:
        raise ServiceError(_("The row names no client."))
    found = list(clients.filter(name_key=Folded(Value(name)))[:2])
    if len(found) == 1:
        return found[0]
    many, none = _("More than one client is called “%(name)s”; give its id."), _("No client is called “%(name)s”.")
    raise ServiceError((many if found else none) % {"name": name[:80]})


def settle(
    result: RowResult,
    row: Any,
    values: dict[str, Any],
    fields: Iterable[str],
    *,
    write: bool,
    update: Callable[..., Any],
    new: Callable[[], Any],
) -> RowResult:
    """Change a known row where cells differ, or leave a new one in the result; nothing unless it is to `write`."""
    if row is None:
        result.new = new() if write else None
        return result
    changes = changed_fields(row, values, fields)
    result.outcome = "updated" if changes else "unchanged"
    if write and changes:
        update(**changes)
    return result


def changed_fields(row, values: dict[str, Any], fields: Iterable[str]) -> dict[str, Any]:
    """The fields whose cells differ from the row. Empty cells and spacing change nothing."""
    given = {name: values[name] for name in fields if values.get(name) not in (None, "")}
    return {name: value for name, value in given.items() if _plain(getattr(row, name)) != _plain(value)}


def _plain(value):
    return " ".join(value.split()) if isinstance(value, str) else value
