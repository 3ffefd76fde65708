"""The machinery of the access table: who, what, how a request ended. The table's format: test_access_table.py."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from django.apps import apps
from django.db import connection, transaction
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from crm.core.firm.choices import AccountManagersSee
from crm.core.firm.models import FirmSettings
from crm.core.users.choices import Role
from crm.core.users.models import Team, TeamMembership, User

# Who asks. `owner` and `mate` are of one team, `stranger` of another; `gone` was disabled a second ago, the session still open.
PEOPLE = ("anonymous", "gone", "owner", "mate", "stranger", "manager", "admin")
SIGNED_IN = ("owner", "mate", "stranger", "manager", "admin")

# Which client: `own` and `archived` are the owner's, `team` the mate's, `other` the stranger's, `restricted` the stranger's
# within the owner's team. Account managers see the clients of their teams (the firm's setting in this scene).
SEEN_BY = {
    "own": ("owner", "mate", "manager", "admin"),
    "team": ("owner", "mate", "manager", "admin"),
    "other": ("stranger", "manager", "admin"),
    "restricted": ("stranger",),
    "archived": ("owner", "mate", "manager", "admin"),
    "any": SIGNED_IN,
}
MISSING, MALFORMED = "missing", "malformed"
NO_SUCH_ID = 987_654_321
MALFORMED_IDS = ("abc", "99999999999999999999999999")

Audience = tuple[str, ...] | Callable[[str, str], bool]
NOBODY: Audience = ()
EVERYONE: Audience = SIGNED_IN
MANAGERS: Audience = ("manager", "admin")
ADMINS: Audience = ("admin",)
OPEN: Audience = PEOPLE


@dataclass(frozen=True)
class Row:
    """One address. An audience of None means the method is not there (405)."""

    url: str
    get: Audience | None = None
    post: Audience | None = None
    patch: Audience | None = None
    put: Audience | None = None
    delete: Audience | None = None
    about: str = ""
    arg: str = "pk"
    also: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] | Callable[..., dict[str, Any]] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)
    seen_by: dict[str, tuple[str, ...]] = field(default_factory=dict)
    shuts_archived: bool = False
    always: str = ""

    @property
    def is_api(self) -> bool:
        return self.url.startswith("api:")

    def methods(self) -> Iterator[tuple[str, Audience | None]]:
        yield "get", self.get
        yield "post", self.post
        if self.is_api:
            yield "patch", self.patch
            yield "put", self.put
            yield "delete", self.delete


def of_list(url: str, *parts: str, get: Audience = EVERYONE, also: dict[str, Any] | None = None) -> list[Row]:
    """The rows of a list page and of its parts: filters, export, select."""
    rows = [
        Row(url if not part else f"{url}-{part}", get=get, also=also or {}) for part in ("", *parts) if part != "select"
    ]
    return rows + [Row(f"{url}-select", post=get, also=also or {})] if "select" in parts else rows


def of_board(url: str, about: str, column: str, **values: Any) -> list[Row]:
    """The rows of a list's boards: cards of a column, a drop, the form of a move (`values`: what is special about it)."""
    return [
        Row(f"{url}-cards", get=EVERYONE, query={"column": column}),
        Row(f"{url}-drop", post=EVERYONE),
        Row(f"{url}-move", get=EVERYONE, post=EVERYONE, about=about, arg="card", **values),
    ]


class Scene:
    """People with open sessions, clients of each kind, and whatever the apps' `build(scene)` put into `rows`."""

    def __init__(self):
        FirmSettings.objects.update_or_create(
            pk=1, defaults={"account_managers_see": AccountManagersSee.TEAM, "is_set_up": True}
        )
        roles = {"manager": Role.MANAGER, "admin": Role.ADMIN}
        self.users = {
            name: User.objects.create(
                email=f"{name}@example.com", name=name.title(), roles=[roles.get(name, Role.ACCOUNT_MANAGER)]
            )
            for name in PEOPLE[1:]
        }
        self.team, self.other_team = Team.objects.create(name="North"), Team.objects.create(name="South")
        for name, team in (
            ("owner", self.team),
            ("mate", self.team),
            ("gone", self.team),
            ("stranger", self.other_team),
        ):
            TeamMembership.objects.create(team=team, user=self.users[name])
        self.clients = self._clients()
        self.rows: dict[str, dict[str, Any]] = {
            "client": self.clients,
            "user": {"any": self.users["mate"]},
            "team": {"any": self.team},
        }
        for module in row_modules():
            if hasattr(module, "build"):
                module.build(self)
        self.cookies = {name: self._sign_in(name) for name in PEOPLE}
        self.handler = Browser().handler  # one for all: each would load the middleware anew
        User.objects.filter(pk=self.users["gone"].pk).update(is_active=False, disabled_at=timezone.now())

    @staticmethod
    def model(label: str):
        """A model by `app.Name`."""
        return apps.get_model(label)

    def _clients(self) -> dict[str, Any]:
        made = {}
        for kind, owner, team in (
            ("own", "owner", self.team),
            ("team", "mate", self.team),
            ("other", "stranger", self.other_team),
            ("restricted", "stranger", self.team),
            ("archived", "owner", self.team),
        ):
            made[kind] = self.model("clients.Client").objects.create(
                name=f"Client {kind}",
                owner=self.users[owner],
                team=team,
                is_restricted=kind == "restricted",
                archived_at=timezone.now() if kind == "archived" else None,
                archived_by=self.users[owner] if kind == "archived" else None,
            )
            self.model("clients.StatusPeriod").objects.create(
                client=made[kind], status="active", start_date=date(2025, 1, 1)
            )
            self.model("clients.ClientFacts").objects.create(
                client=made[kind], status="active", status_since=date(2025, 1, 1)
            )
        return made

    def _sign_in(self, name: str) -> dict[str, str]:
        browser = Browser()
        if name != "anonymous":
            browser.force_login(self.users[name])
        return {key: morsel.value for key, morsel in browser.cookies.items()}

    def browser(self, name: str) -> Browser:
        """A browser as it was before any request: what one request did to its cookies is not there for the next."""
        browser = Browser()
        browser.handler = self.handler
        for key, value in self.cookies[name].items():
            browser.cookies[key] = value
        return browser

    def kinds(self, row: Row) -> list[str]:
        return [*self.rows[row.about], MISSING, MALFORMED] if row.about else ["any"]

    def addresses(self, row: Row, kind: str) -> list[str]:
        """The address of the row for a kind of object; several when the id is malformed."""
        kwargs = {name: (value(self, kind) if callable(value) else value) for name, value in row.also.items()}
        if not row.about:
            return [reverse(row.url, kwargs=kwargs)]
        if kind in self.rows[row.about]:
            thing = self.rows[row.about][kind]
            return [reverse(row.url, kwargs=kwargs | {row.arg: getattr(thing, "pk", thing)})]
        address = reverse(row.url, kwargs=kwargs | {row.arg: NO_SUCH_ID})
        return [address] if kind == MISSING else [address.replace(str(NO_SUCH_ID), bad) for bad in MALFORMED_IDS]


# Who asks about a kind, where asking more would repeat another kind: the mate's client is to the owner what the owner's is
# to the mate, and to all others the same; an archived one is shut to whoever may see it.
ASKED_BY = {
    "team": ("owner",),
    "archived": ("owner", "stranger", "manager"),
    MISSING: ("anonymous", "stranger", "admin"),
    MALFORMED: ("anonymous", "admin"),
}


def cases(scene: Scene, row: Row) -> Iterator[tuple[str, Audience | None, str, str, str]]:
    """(method, audience, kind, address, who) of everything the row is asked. That a method is not there does not hang on whose client
    it is, and whoever is not signed in is sent away from all of them: both are asked of one kind."""
    for method, audience in row.methods():
        kinds = scene.kinds(row) if audience is not None else scene.kinds(row)[:1]
        for kind in kinds:
            if audience is None:
                people: tuple[str, ...] = ("anonymous", "stranger", "admin")
            else:
                every = PEOPLE if kind == kinds[0] else SIGNED_IN
                people = every if callable(audience) and kind in SEEN_BY else ASKED_BY.get(kind, every)
                if kind != kinds[0] and not callable(audience):
                    people = _all_refused_one_allowed(row, audience, kind, people)
            for address in scene.addresses(row, kind):
                for who in people:
                    yield method, audience, kind, address, who


def _all_refused_one_allowed(
    row: Row, audience: Audience | None, kind: str, people: tuple[str, ...]
) -> tuple[str, ...]:
    """Of those who get the page, one is enough from the second kind on: all of them got it with the first. Another one in each row."""
    allowed = [who for who in people if expected(row, audience, who, kind) == {"ok"}]
    return tuple(who for who in people if who not in allowed or who == allowed[len(row.url) % len(allowed)])


def expected(row: Row, audience: Audience | None, who: str, kind: str) -> set[str]:
    """The outcomes the table allows: login, ok, forbidden, missing, no method."""
    if row.always and audience is not None:
        return {"ok", "login"} if row.always == "elsewhere" else {row.always}
    if who in ("anonymous", "gone"):
        if audience is not None and not callable(audience) and who in audience:
            return {"ok"}
        return (
            {"login"} | ({"missing"} if kind == MALFORMED else set()) | ({"no method"} if audience is None else set())
        )
    if kind == MALFORMED:
        return {"missing"} if _allows(audience, who, "any") else {"missing", "forbidden"}
    if audience is None:
        return {"no method"}
    if kind == MISSING:
        return {"missing"} if _allows(audience, who, "any") else {"missing", "forbidden"}
    if who not in (SEEN_BY | row.seen_by)[kind]:
        return {"missing"} if row.about else {"forbidden"}
    if row.shuts_archived and kind == "archived":
        return {"forbidden", "missing"}
    return {"ok"} if _allows(audience, who, kind) else {"forbidden"}


def _allows(audience: Audience | None, who: str, kind: str) -> bool:
    if audience is None:
        return False
    return audience(who, kind) if callable(audience) else who in audience


def ask(scene: Scene, row: Row, method: str, who: str, kind: str, address: str):
    """(outcome, tables written, response); whatever the request did is rolled back."""
    data = row.data(scene, kind) if callable(row.data) else row.data
    options: dict[str, Any] = {"data": row.query} if method == "get" else {"data": data}
    if row.is_api and method != "get":
        options["content_type"] = "application/json"
    with transaction.atomic():
        point = transaction.savepoint()
        writes = Writes()
        with connection.execute_wrapper(writes):
            response = getattr(scene.browser(who), method)(address, **options)
            if getattr(response, "streaming", False):
                b"".join(response.streaming_content)
        written = writes.tables()
        transaction.savepoint_rollback(point)
    return outcome(response), written, response


def outcome(response) -> str:
    if response.status_code == 401 or (
        response.status_code == 302 and response["Location"].startswith("/accounts/login/")
    ):
        return "login"
    return {403: "forbidden", 404: "missing", 405: "no method"}.get(
        response.status_code, "ok" if response.status_code < 500 else "broken"
    )


READS = ("SELECT", "EXECUTE", "SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT", "SET CONSTRAINTS", "DECLARE")


class Writes:
    """Notes a block's writes by table. The counts are read before the first statement that does not only read, which
    most requests never have: 30,000 are asked.
    """

    def __init__(self):
        self.before: dict[str, int] | None = None

    def __call__(self, execute, sql, params, many, context):
        if self.before is None and not str(sql).lstrip().startswith(READS):
            self.before = counts_of_writes()
        return execute(sql, params, many, context)

    def tables(self) -> set[str]:
        if self.before is None:
            return set()
        return {table for table, n in counts_of_writes().items() if n != self.before.get(table, 0)}


WRITES = """
    SELECT relname, n FROM (
        SELECT relname, pg_stat_get_xact_tuples_inserted(oid) + pg_stat_get_xact_tuples_updated(oid) + pg_stat_get_xact_tuples_deleted(oid) AS n
        FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
    ) AS counted WHERE n > 0
"""


def counts_of_writes() -> dict[str, int]:
    """Rows inserted, updated or deleted so far in this transaction, rolled back ones included, by table."""
    with connection.cursor() as cursor:
        cursor.execute(WRITES)
        return dict(cursor.fetchall())


def row_modules():
    package = import_module("tools.testing.access_rows")
    return [import_module(f"{package.__name__}.{found.name}") for found in iter_modules(package.__path__)]


def all_rows() -> list[Row]:
    return [row for module in row_modules() for row in module.ROWS]
