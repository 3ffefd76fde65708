"""Requests each page from a real gunicorn many times and sums up what the responses cost."""

import http.client
import os
import platform
import signal
import socket
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.db.models import Count
from django.urls import reverse
from django.utils import timezone

from clients.records.models import Client
from clients.segments.models import Segment
from clients.segments.services import create_segment
from crm.core.base.principals import SYSTEM, acting
from crm.core.fields.custom.choices import Kind
from crm.core.fields.custom.models import CustomField
from crm.core.fields.custom.services import create_field
from crm.core.listing.paging import Sort, _encode
from crm.core.users.choices import Role
from crm.core.users.models import User
from interactions.log.choices import Channel, Visibility
from interactions.log.models import Interaction
from tools.bench.load import SEATS
from tools.bench.users import MIX, generate
from tools.launcher.serve import web

START_SECONDS = 60
PAGE_SECONDS, AT_LEAST = 20, 5
DEEP = 0.9
CLIENTS, PEOPLE, WRITE_EVERY, CONNECTIONS = 500, 20, 10, 8
CSRF = "b" * 32


@dataclass(frozen=True)
class Request:
    """`form`: the POST data; None for a GET. `part`: htmx asks for a part of the page."""

    path: str
    who: int
    form: str | None = None
    part: bool = False


@dataclass(frozen=True)
class Target:
    """A page of the bench and its requests in turn: all requests that a screen of 1440 × 900 makes without scrolling;
    today one per page.
    """

    name: str
    requests: list[Request]

    def nth(self, number: int) -> Request:
        return self.requests[number % len(self.requests)]


FIVE_RULES = "Five rules"


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def session_of(user) -> str:
    """A session as a login makes it."""
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.create()
    return store.session_key


def people() -> list[User]:
    """Twenty users: a manager, the account managers with the most clients, and more managers."""
    managers = list(User.objects.active().with_role(Role.MANAGER).order_by("pk")[: PEOPLE // 2])
    busiest = User.objects.active().with_role(Role.ACCOUNT_MANAGER).annotate(n=Count("owned_clients"))
    others = [user for user in busiest.order_by("-n", "pk")[:PEOPLE] if user not in managers]
    return [*managers, *others[: PEOPLE - len(managers)]]


def targets(users: list[User]) -> tuple[Target, Target, list[Target]]:
    """The bare floor, the floor with the layout, and the pages. Each requests different clients as different users;
    what needs a particular user is requested as that user.
    """
    manager, everybody = 0, range(len(users))
    am = next(n for n, user in enumerate(users) if user.is_account_manager)
    seen = Client.objects.visible_to(acting(users[manager])).kept()
    by_name = seen.order_by("name_key", "pk")
    cursor = _encode("f", seen, by_name[int(seen.count() * DEEP)], Sort("name_key"))
    clients, kpi = reverse("clients:list"), reverse("reports:kpi", args=["retention"])
    busiest = busiest_client(seen)

    def by(path: str, *who: int) -> list[Request]:
        return [Request(path, n) for n in who]

    pages = [
        Target("client list", by(clients, *everybody)),
        Target("client list, deep", by(f"{clients}?cursor={cursor}", manager)),
        Target(
            "client list, filtered by owner and status", by(f"{clients}?owner={users[am].pk}&status=active", *everybody)
        ),
        Target("client list, filtered by a custom field", by(f"{clients}?{seats()}", *everybody)),
        Target("client list, longest without contact", by(f"{clients}?sort=contact", *everybody)),
        Target("client list, segment of five rules", by(f"{clients}?segment={five_rules(users[manager])}", *everybody)),
        Target("client list, grouped by status", by(f"{clients}?group=status", *everybody)),
        Target("client list, board by status", by(f"{clients}?board=status", *everybody)),
        Target("client list, search", by(f"{clients}?q=fjord", manager)),
        Target("client list, account manager", by(clients, am)),
        Target("search, names", searched("names", manager)),
        Target("search, names, account manager", searched("names", am)),
        Target("search, texts", searched("texts", manager)),
        Target("search, similar names", searched("similar", manager)),
        Target("client page", client_pages(users)),
        Target("client page, the one with the most", [Request(busiest.get_absolute_url(), manager)]),
        Target("timeline, page 2", [entries(busiest, 1, manager)]),
        Target("timeline, page 500", [entries(busiest, 499, manager)]),
        Target("logging an interaction", [logged(request) for request in client_pages(users)]),
        Target("today", by(reverse("interactions:today"), *everybody)),
        Target("follow-ups", by(reverse("interactions:follow-ups"), *everybody)),
        Target("onboarding plans", by(reverse("onboarding:plans"), *everybody)),
        Target("contacts", by(reverse("clients:contacts"), *everybody)),
        Target("dashboard", by(reverse("reports:dashboard"), manager)),
        Target("dashboard, by revenue", by(f"{reverse('reports:dashboard')}?basis=revenue", manager)),
        Target("retention and its clients", by(kpi, manager)),
    ]
    rows = ["?ids=" + ",".join(map(str, ids)) for ids in batches(seen)]
    bare = [Request(f"/bench/bare/{row}", n % len(users)) for n, row in enumerate(rows)]
    floor = [Request(f"/bench/floor/{row}", n % len(users)) for n, row in enumerate(rows)]
    return Target("bare", bare), Target("floor", floor), pages


SEARCHED = ("n", "fjo", "fjord", "advisory", "olsen", "+358 40 1363396", "person777@", "budget", "qzxvwk")
MISTYPED = ("Nothern", "Copprr", "Olsson", "Juniperr", "Consultng")


def searched(step: str, who: int) -> list[Request]:
    """A step of the palette: words that are common, rare and nowhere, the beginning of a name, a phone number, part of an address."""
    words = MISTYPED if step == "similar" else SEARCHED
    return [
        Request(f"{reverse('core:search')}?{urlencode({'q': q, 'fragment': 'palette', 'step': step})}", who)
        for q in words
    ]


def five_rules(owner: User) -> int:
    """A shared segment: status, tier, silence, and an NPS that is low or missing."""

    def rule(field: str, op: str, *values: object) -> dict:
        return {"field": field, "op": op, "values": list(values)}

    either = {"match": "any", "rules": [rule("nps_score", "at_most", 8), rule("nps_score", "empty")]}
    rules = [
        rule("status", "is", "active", "at_notice"),
        rule("tier", "is", "A", "B"),
        rule("last_contact_at", "not_in_last", 14),
        either,
    ]
    found = Segment.objects.kept().filter(owner=owner, name=FIVE_RULES).first()
    told = {"name": FIVE_RULES, "rule": {"match": "all", "rules": rules}, "is_shared": True}
    return (found or create_segment(acting(owner), **told)).pk


def batches(seen) -> list[list[int]]:
    """Twenty times 25 clients."""
    ids = list(seen.order_by("pk").values_list("pk", flat=True)[:CLIENTS])
    return [ids[n : n + 25] for n in range(0, len(ids), 25)]


def client_pages(users: list[User]) -> list[Request]:
    """Of 500 clients, each as a user who may see it."""
    each = CLIENTS // len(users)
    own = [
        list(Client.objects.visible_to(acting(user)).kept().order_by("pk").values_list("pk", flat=True)[n : n + each])
        for n, user in enumerate(users)
    ]
    return [
        Request(reverse("clients:client", kwargs={"client_id": ids[turn]}), n)
        for turn in range(each)
        for n, ids in enumerate(own)
        if turn < len(ids)
    ]


def busiest_client(seen) -> Client:
    found = Interaction.objects.filter(client__in=seen).values("client").annotate(n=Count("pk"))
    return Client.objects.get(pk=found.order_by("-n", "client")[0]["client"])


def entries(client: Client, pages: int, who: int) -> Request:
    """The part of a client's timeline after so many pages of 20 entries, as the page asks for it."""
    moments = client.interactions.order_by("-occurred_at").values_list("occurred_at", flat=True)
    before = moments[min(pages * 20, moments.count() - 1)]
    return Request(f"{client.get_absolute_url()}?{urlencode({'before': before.isoformat()})}", who, part=True)


def seats() -> str:
    """A custom field with a number of each client, filtered for one in a hundred."""
    if not CustomField.objects.kept().filter(record="client", key=SEATS).exists():
        create_field(SYSTEM, record="client", label="Seats", kind=Kind.NUMBER, is_filtered=True)
    return urlencode({f"cf_{SEATS}__from": 496})


def logged(page: Request) -> Request:
    """A call logged on a client's page, as the composer posts it."""
    now = timezone.localtime().strftime("%Y-%m-%dT%H:%M")
    form = {
        "channel": Channel.CALL,
        "visibility": Visibility.FIRM,
        "body": "Went through the figures.",
        "occurred_at": now,
        "untouched": now,
    }
    return Request(f"{page.path}log/", page.who, urlencode(form))


@contextmanager
def server(*, processes: int = 1, threads: int = 1):
    """A gunicorn under the bench settings; yields its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tools.bench.settings",
        "RAPPORT_WEB": "true",
        "WEB_STATEMENT_TIMEOUT_MS": "60000",
        "LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, "-m", *web(f"127.0.0.1:{port}", processes, threads)]
    process = subprocess.Popen(command, env=env, cwd=settings.BASE_DIR, stdout=subprocess.DEVNULL)
    try:
        wait_for(process, port)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(process, port) -> None:
    limit = time.monotonic() + START_SECONDS
    while time.monotonic() < limit:
        if process.poll() is not None:
            raise RuntimeError(f"gunicorn ended with {process.returncode}; what it said stands above.")
        try:
            probe = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            probe.request("GET", "/healthz")
            if probe.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("gunicorn did not answer in time.")


def ask(port: int, request: Request, cookies: list[str]) -> tuple[float, int, float]:
    """(milliseconds, statements, kilobytes). Raises RuntimeError if the response is not the page."""
    wire = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    session = f"{settings.SESSION_COOKIE_NAME}={cookies[request.who]}"
    headers = {"Cookie": f"{session}; {settings.CSRF_COOKIE_NAME}={CSRF}", "Accept": "text/html"}
    if request.form is not None or request.part:
        headers["HX-Request"] = "true"
    if request.form is not None:
        headers |= {"Content-Type": "application/x-www-form-urlencoded", "X-CSRFToken": CSRF}
    wire.request("GET" if request.form is None else "POST", request.path, request.form, headers)
    answer = wire.getresponse()
    body = answer.read()
    wire.close()
    if answer.status != 200:
        raise RuntimeError(f"{request.path} answered {answer.status}")
    return float(answer.headers["X-Cost-Ms"]), int(answer.headers["X-Cost-Sql"]), len(body) / 1024


def measure(port, targets, cookies, *, warm: int, times: int) -> dict[str, list[tuple[float, int, float]]]:
    """What each response cost, by the target's name. Requests go in rounds, the floor and every page in turn, so that
    other load on the machine affects all equally; every tenth request is a write. A page that takes seconds is
    requested less often: not after PAGE_SECONDS, but at least AT_LEAST times.
    """
    costs: dict[str, list[tuple[float, int, float]]] = {target.name: [] for target in targets}
    writes = next(target for target in targets if target.requests[0].form is not None)
    asked = 0
    for number in range(-warm, times):
        for target in targets:
            slow = sum(cost[0] for cost in costs[target.name]) > PAGE_SECONDS * 1000
            if (number >= AT_LEAST or number < -1) and slow:
                continue
            if number == 0:
                costs[target.name].clear()
            costs[target.name].append(ask(port, target.nth(number + warm), cookies))
            asked += 1
            if asked % WRITE_EVERY == 0:
                costs[writes.name].append(ask(port, writes.nth(asked), cookies))
    return costs


def throughput(targets: list[Target], cookies: list[str], *, seconds: float) -> dict[str, float]:
    """Requests a second of each target, by two processes over eight connections, without an error."""
    with server(processes=2, threads=4) as port, ThreadPoolExecutor(CONNECTIONS) as pool:
        return {target.name: _rate(pool, port, target, cookies, seconds) for target in targets}


def _rate(pool, port, target, cookies, seconds) -> float:
    def keep_asking(first: int, until: float) -> int:
        done = 0
        while time.monotonic() < until:
            ask(port, target.nth(first + done * CONNECTIONS), cookies)
            done += 1
        return done

    for _warm in range(2):
        list(pool.map(lambda n: ask(port, target.nth(n), cookies), range(CONNECTIONS * 2)))
    started = time.monotonic()
    done = sum(pool.map(lambda n: keep_asking(n, started + seconds), range(CONNECTIONS)))
    return round(done / (time.monotonic() - started), 1)


def summed_up(name: str, costs: list[tuple[float, int, float]]) -> dict:
    spent = [cost[0] for cost in costs]
    return {
        "name": name,
        "median_ms": round(statistics.median(spent), 2),
        "p95_ms": round(percentile(spent, 0.95), 2),
        "sql": max(cost[1] for cost in costs),
        "kb": round(costs[-1][2], 1),
    }


def run(*, warm: int, times: int, say=lambda text: None) -> dict:
    """The report: {machine, data, bare, floor, pages, throughput}; `ratio` is to the floor, `bare_ratio` to the bare floor."""
    users = people()
    cookies = [session_of(user) for user in users]
    bare_target, floor_target, pages = targets(users)
    with server() as port:
        costs = measure(port, [bare_target, floor_target, *pages], cookies, warm=warm, times=times)
    bare, floor = (summed_up(target.name, costs[target.name]) for target in (bare_target, floor_target))
    measured = []
    for found in (bare, floor, *(summed_up(target.name, costs[target.name]) for target in pages)):
        found |= {
            "bare_ratio": round(found["median_ms"] / bare["median_ms"], 2),
            "ratio": round(found["median_ms"] / floor["median_ms"], 2),
            "p95_ratio": round(found["p95_ms"] / floor["p95_ms"], 2),
        }
        say(found)
        measured.append(found)
    busy = [bare_target, *(page for page in pages if page.name in ("client list", "client page"))]
    rates = throughput(busy, cookies, seconds=max(1.0, times / 4))
    return {
        "machine": machine(),
        "data": counts(),
        "bare": bare,
        "floor": floor,
        "pages": measured[2:],
        "throughput": {
            name: {"a_second": rate, "of_bare": round(rate / rates["bare"], 3)} for name, rate in rates.items()
        },
    }


def machine() -> dict:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        version = cursor.fetchone()[0]
    return {
        "processors": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "postgresql": version,
    }


def counts() -> dict:
    with connection.cursor() as cursor:
        found = {}
        for name, table in (
            ("clients", "clients_client"),
            ("contacts", "clients_contact"),
            ("interactions", "interactions_interaction"),
            ("revenue_lines", "clients_revenueline"),
            ("follow_ups", "interactions_followup"),
            ("plans", "onboarding_plan"),
            ("answers", "interactions_surveyresponse"),
        ):
            cursor.execute(f"SELECT count(*) FROM {table}")
            found[name] = cursor.fetchone()[0]
        return found


def run_users(
    counts_of_people: list[int], *, seconds: float, idle: int, half_sent: int, say=lambda text: None
) -> list[dict]:
    """What users experience with the product's own web server, many at once; see users.py."""
    staff = people()
    # each user has several sessions, so that no session is shared by all
    cookies = [
        f"{settings.SESSION_COOKIE_NAME}={session_of(user)}; {settings.CSRF_COOKIE_NAME}={CSRF}" for user in staff
    ]
    pages = {target.name: [asdict(request) for request in target.requests] for target in targets(staff)[2]}
    password = "bench, every second"
    who = staff[0]
    who.set_password(password)
    who.save(update_fields=["password"])
    cookies[0] = f"{settings.SESSION_COOKIE_NAME}={session_of(who)}; {settings.CSRF_COOKIE_NAME}={CSRF}"
    found = []
    with server(processes=max(2, min(4, os.cpu_count() or 2)), threads=4) as port:
        sessions = [cookie.partition("=")[2].partition(";")[0] for cookie in cookies]
        for target in (target for target in targets(staff)[2] if target.name in MIX):
            for turn in range(8):  # warm-up: each process has rendered each page
                ask(port, target.nth(turn), sessions)
        for number in counts_of_people:
            order = {
                "port": port,
                "people": number,
                "seconds": seconds,
                "idle": idle,
                "half_sent": half_sent,
                "cookies": cookies,
                "csrf": CSRF,
                "pages": {name: pages[name] for name in MIX},
                "login": {"login": who.email, "password": password},
            }
            report = generate(order)
            say(report)
            found.append(report)
    return found
