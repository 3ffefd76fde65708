"""Asks a real gunicorn for each page again and again and sums up what the answers cost."""

import http.client
import os
import platform
import signal
import socket
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.db.models import Count
from django.urls import reverse

from clients.records.models import Client
from crm.core.base.principals import acting
from crm.core.listing.paging import Sort, _encode
from crm.core.users.choices import Role
from crm.core.users.models import User
from interactions.log.models import Interaction

START_SECONDS = 60
PAGE_SECONDS, AT_LEAST = 20, 5
DEEP = 0.9


@dataclass(frozen=True)
class Target:
    name: str
    path: str
    who: str  # "am" or "manager"


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


def people() -> dict[str, User]:
    """The account manager with the most clients, and a manager."""
    busiest = (
        User.objects.active()
        .with_role(Role.ACCOUNT_MANAGER)
        .annotate(n=Count("owned_clients"))
        .order_by("-n", "pk")
        .first()
    )
    return {"am": busiest, "manager": User.objects.active().with_role(Role.MANAGER).order_by("pk").first()}


def targets(users) -> tuple[Target, Target, list[Target]]:
    """The bare floor, the floor with the layout, and the pages."""
    seen = Client.objects.visible_to(acting(users["manager"])).kept()
    ids = list(seen.order_by("pk").values_list("pk", flat=True)[:25])
    by_name = seen.order_by("name_key", "pk")
    deep = by_name[int(seen.count() * DEEP)]
    cursor = _encode("f", seen, deep, Sort("name_key"))
    busy = (
        Interaction.objects.filter(client__in=seen)
        .values("client")
        .annotate(n=Count("pk"))
        .order_by("-n", "client")[0]["client"]
    )
    clients = reverse("clients:list")
    pages = [
        Target("client list", clients, "manager"),
        Target("client list, deep", f"{clients}?cursor={cursor}", "manager"),
        Target(
            "client list, filtered by owner and status", f"{clients}?owner={users['am'].pk}&status=active", "manager"
        ),
        Target("client list, search", f"{clients}?q=fjord", "manager"),
        Target("client list, account manager", clients, "am"),
        Target("client page", reverse("clients:client", kwargs={"client_id": busy}), "manager"),
        Target("today", reverse("interactions:today"), "am"),
        Target("follow-ups", reverse("interactions:follow-ups"), "am"),
        Target("onboarding plans", reverse("onboarding:plans"), "manager"),
        Target("contacts", reverse("clients:contacts"), "manager"),
        Target("dashboard", reverse("reports:dashboard"), "manager"),
        Target("dashboard, by revenue", f"{reverse('reports:dashboard')}?basis=revenue", "manager"),
        Target("retention and its clients", reverse("reports:kpi", args=["retention"]), "manager"),
    ]
    rows = "?ids=" + ",".join(map(str, ids))
    return Target("bare", f"/bench/bare/{rows}", "manager"), Target("floor", f"/bench/floor/{rows}", "manager"), pages


@contextmanager
def server():
    """One gunicorn process under the bench settings; yields its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tools.bench.settings",
        "RAPPORT_WEB": "true",
        "WEB_STATEMENT_TIMEOUT_MS": "60000",
        "LOG_LEVEL": "ERROR",
    }
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "crm.wsgi:application",
        "--bind",
        f"127.0.0.1:{port}",
        "--workers",
        "1",
        "--worker-class",
        "gthread",
        "--threads",
        "1",
        "--timeout",
        "120",
        "--log-level",
        "error",
    ]
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


def ask(port: int, target: Target, cookie: str) -> tuple[float, int, float]:
    """(milliseconds, statements, kilobytes). Raises RuntimeError for an answer that is not the page."""
    wire = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    wire.request(
        "GET", target.path, headers={"Cookie": f"{settings.SESSION_COOKIE_NAME}={cookie}", "Accept": "text/html"}
    )
    answer = wire.getresponse()
    body = answer.read()
    wire.close()
    if answer.status != 200:
        raise RuntimeError(f"{target.name}: {target.path} answered {answer.status}")
    return float(answer.headers["X-Cost-Ms"]), int(answer.headers["X-Cost-Sql"]), len(body) / 1024


def measure(port, targets, cookies, *, warm: int, times: int) -> dict[str, list[tuple[float, int, float]]]:
    """What each answer cost, by the target's name. Asked in rounds, the floor and every page in turn, so that whatever else the
    machine does is the same for all. A page that takes seconds is asked less often: no more after PAGE_SECONDS, but at least
    AT_LEAST times."""
    costs: dict[str, list[tuple[float, int, float]]] = {target.name: [] for target in targets}
    for number in range(-warm, times):
        for target in targets:
            slow = sum(cost[0] for cost in costs[target.name]) > PAGE_SECONDS * 1000
            if (number >= AT_LEAST or number < -1) and slow:
                continue
            if number == 0:
                costs[target.name].clear()
            costs[target.name].append(ask(port, target, cookies[target.who]))
    return costs


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
    """The report: {machine, data, bare, floor, pages}; `ratio` is to the floor, `bare_ratio` to the bare floor."""
    users = people()
    cookies = {who: session_of(user) for who, user in users.items()}
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
    return {"machine": machine(), "data": counts(), "bare": bare, "floor": floor, "pages": measured[2:]}


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
