"""Measures imports against COPY of exactly the rows that they leave.

Each round starts from a copy of the same prepared database, in which a file waits with its columns set. A round of an import checks
the file, runs it and takes it back; a round of COPY writes the rows that the run left into the same tables, with their
foreign keys and indexes, and with triggers off, since the rows of the history are copied as well.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2
from django.conf import settings
from django.db import connections as django_connections
from django.utils import timezone
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT
from psycopg2.extras import execute_values

from crm.core.base.principals import acting
from crm.core.files.services import store_bytes
from crm.core.importing import kinds, running, undoing
from crm.core.importing import services as importing
from crm.core.users.models import User
from crm.core.work.choices import JobState
from crm.core.work.models import Job
from tools.bench.files import FILES, PEOPLE, colleague, rows_of
from tools.embedded.environment import owner_environment

SYSTEM = "bench"
PREPARED, RUN, COPIED = "rapport_bench_prepared", "rapport_bench_run", "rapport_bench_copied"
MOST = 4.0  # times COPY
TABLES = """
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind = 'r' ORDER BY c.relname"""
COLUMNS = """
    SELECT a.attname FROM pg_attribute a WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped
    AND a.attgenerated = '' ORDER BY a.attnum"""
KEY = """
    SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
    WHERE i.indrelid = %s::regclass AND i.indisprimary"""
NAMED = "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint WHERE contype = 'f'"


def at(url: str, name: str) -> str:
    """The URL of another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@contextmanager
def opened(name: str) -> Iterator[Any]:
    """A cursor of the schema's owner; commits at the end."""
    url = owner_environment(os.environ)["DATABASE_URL"]
    with closing(psycopg2.connect(at(url, name))) as connection, connection, connection.cursor() as cursor:
        yield cursor


def clone(name: str, template: str) -> None:
    """A new database like the template, in place of the one of that name."""
    django_connections.close_all()  # a database that somebody is connected to is no template
    url = owner_environment(os.environ)["DATABASE_URL"]
    with closing(psycopg2.connect(at(url, "postgres"))) as connection:
        connection.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            cursor.execute(f"CREATE DATABASE {name} TEMPLATE {template}")


def drop(*names: str) -> None:
    url = owner_environment(os.environ)["DATABASE_URL"]
    with closing(psycopg2.connect(at(url, "postgres"))) as connection:
        connection.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
        with connection.cursor() as cursor:
            for name in names:
                cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def step(name: str, database: str, **given: Any) -> dict[str, Any]:
    """Run a step of this module in a process of its own, with the rights of the application, and return what it says."""
    environment = {**os.environ, "DATABASE_URL": at(os.environ["DATABASE_URL"], database)}
    command = [
        sys.executable,
        str(settings.BASE_DIR / "manage.py"),
        "bench",
        "--import-step",
        json.dumps([name, given]),
    ]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, stderr=sys.stderr)
    return json.loads(done.stdout.splitlines()[-1])


# Steps, each in its own process


def prepare(*, kind: str, rows: int) -> dict[str, Any]:
    """Colleagues, the clients that the rows are about, and a job that waits for its check."""
    for number in range(PEOPLE):
        name, email = colleague(number)
        User.objects.create(email=email, name=name, roles=["manager"] if number == 0 else ["account_manager"])
    for needed, count in FILES[kind].needs(rows):
        _finish(_job(needed, count))
    return {"job": _job(kind, rows).pk}


def _job(kind: str, rows: int) -> Job:
    principal = acting(User.objects.get(email=colleague(0)[1]))
    data = rows_of(kind, rows)
    file = store_bytes(principal, name=f"{kind}.csv", data=data)
    job = importing.create_import(principal, kind=kinds.get(kind), file=file)
    if len(job.options["mapping"]) != len(FILES[kind].header):
        raise RuntimeError(f"Only {job.options['mapping']} of the columns of {kind} were recognised.")
    return importing.set_options(
        principal,
        job=job,
        dialect=job.options["dialect"],
        mapping=job.options["mapping"],
        defaults={},
        system=SYSTEM,
    )


def _finish(job: Job) -> None:
    importing.start_import(acting(job.user), job=job, now=timezone.now(), questions="confirmed")
    running.run_job(job_id=job.pk)


def imported(*, job: int) -> dict[str, Any]:
    """Check and run the job."""
    found = Job.objects.get(pk=job)
    principal = acting(found.user)

    def check() -> None:
        importing.check_import(principal, job=found, now=timezone.now())
        running.run_job(job_id=job)

    report: dict[str, Any] = {"check": _timed(check), "check_mb": _peak()}
    report["run"], report["run_mb"] = _timed(lambda: _finish(Job.objects.get(pk=job))), _peak()
    done = Job.objects.get(pk=job)
    if done.state != JobState.DONE:
        raise RuntimeError(f"The import is {done.state}: {done.error}")
    return report | {"counts": done.report["counts"]}


def undone(*, job: int) -> dict[str, Any]:
    """Take the import back."""
    found = Job.objects.get(pk=job)
    started = _timed(lambda: _take_back(found))
    return {
        "undo": started,
        "undo_mb": _peak(),
        "undone": Job.objects.filter(kind=undoing.KIND).latest("pk").report["counts"],
    }


def _take_back(job: Job) -> None:
    undo = undoing.undo_import(acting(job.user), job=job, now=timezone.now())
    undoing.run_job(job_id=undo.pk)


def _timed(work: Callable[[], None]) -> dict[str, float]:
    started, spent = time.monotonic(), time.process_time()
    work()
    return {
        "seconds": round(time.monotonic() - started, 2),
        "cpu_seconds": round(time.process_time() - spent, 2),
    }


def _peak() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


STEPS: dict[str, Callable[..., dict[str, Any]]] = {"prepare": prepare, "imported": imported, "undone": undone}


# COPY


class Rows:
    """The rows that a run left and that were not there before, kept in files."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.tables: dict[str, int] = {}

    def take(self, before: str, after: str) -> None:
        with opened(before) as old, opened(after) as new:
            new.execute(TABLES)
            for (table,) in new.fetchall():
                if count := self._copied_out(old, new, table):
                    self.tables[table] = count
        self.order = self._in_order(after)

    def _copied_out(self, old: Any, new: Any, table: str) -> int:
        columns = _columns(new, table)
        new.execute(KEY, [table])
        key = [name for (name,) in new.fetchall()]
        if len(key) != 1:
            return 0
        old.execute(f'SELECT "{key[0]}" FROM "{table}"')
        there = old.fetchall()
        new.execute(f'CREATE TEMP TABLE there AS SELECT "{key[0]}" FROM "{table}" LIMIT 0')
        execute_values(new, "INSERT INTO there VALUES %s", there, page_size=5000)
        new.execute("ANALYZE there")
        rows = f'SELECT {columns} FROM "{table}" t WHERE NOT EXISTS (SELECT FROM there b WHERE b."{key[0]}" = t."{key[0]}") ORDER BY "{key[0]}"'
        with (self.folder / table).open("wb") as file:
            new.copy_expert(f"COPY ({rows}) TO STDOUT", file)
        count: int = new.rowcount
        new.execute("DROP TABLE there")
        return count

    def _in_order(self, database: str) -> list[str]:
        """Each table after those that it names; of rings, as they come."""
        with opened(database) as cursor:
            cursor.execute(NAMED)
            names = [pair for pair in cursor.fetchall() if pair[0] != pair[1]]
        left, order = [*self.tables], []
        while left:
            free = [t for t in left if not any(of == t and to in left for of, to in names)] or left[:1]
            order += free
            left = [t for t in left if t not in free]
        return order

    def copy_into(self, database: str) -> float:
        """Seconds."""
        with opened(database) as cursor:
            columns = {table: _columns(cursor, table) for table in self.order}
            for table in self.order:
                cursor.execute(f'ALTER TABLE "{table}" DISABLE TRIGGER USER')
            cursor.connection.commit()
            started = time.monotonic()
            for table in self.order:
                with (self.folder / table).open("rb") as file:
                    cursor.copy_expert(f'COPY "{table}" ({columns[table]}) FROM STDIN', file)
            cursor.connection.commit()
            return time.monotonic() - started


def _columns(cursor: Any, table: str) -> str:
    cursor.execute(COLUMNS, [table])
    return ", ".join(f'"{name}"' for (name,) in cursor.fetchall())


# The whole


def measure(*, kind: str, rows: int, times: int, say: Callable[[str], None]) -> dict[str, Any]:
    """The report: medians of `times` rounds of import and COPY in turn, memory at a quarter of the rows and at all."""
    name = urlsplit(os.environ["DATABASE_URL"]).path[1:]
    try:
        small = _round(kind, rows // 4, name)[1]
        job, first = _round(kind, rows, name)
        say(f"{rows // 4:,} rows: {_said(small)}")
        say(f"{rows:,} rows: {_said(first)}")
        rounds, copies = [first], []
        with TemporaryDirectory(dir=os.environ["RAPPORT_DATA_DIR"]) as folder:
            left = Rows(Path(folder))
            left.take(PREPARED, RUN)
            for number in range(times):
                if number:
                    clone(RUN, PREPARED)
                    rounds.append(step("imported", RUN, job=job))
                    say(f"{rows:,} rows: {_said(rounds[-1])}")
                clone(COPIED, PREPARED)
                copies.append(left.copy_into(COPIED))
                say(f"COPY: {copies[-1]:.2f} s")
        back = step("undone", RUN, job=job)
        return _summed_up(kind, rows, small, rounds, copies, back) | {"tables": left.tables}
    finally:
        with suppress(psycopg2.Error):  # somebody looks into one of them: the next measurement drops it
            drop(PREPARED, RUN, COPIED)


def _round(kind: str, rows: int, template: str) -> tuple[int, dict[str, Any]]:
    clone(PREPARED, template)
    job = step("prepare", PREPARED, kind=kind, rows=rows)["job"]
    clone(RUN, PREPARED)
    return job, step("imported", RUN, job=job)


def _said(found: dict[str, Any]) -> str:
    return (
        f"check {found['check']['seconds']} s, run {found['run']['seconds']} s "
        f"({found['run']['cpu_seconds']} s of them in Python), at most {found['run_mb']} MB"
    )


def _summed_up(kind: str, rows: int, small: Any, rounds: list[Any], copies: list[float], back: Any) -> dict[str, Any]:
    check = statistics.median(found["check"]["seconds"] for found in rounds)
    run = statistics.median(found["run"]["seconds"] for found in rounds)
    copy = statistics.median(copies)
    return {
        "kind": kind,
        "rows": rows,
        "counts": rounds[0]["counts"],
        "check_seconds": check,
        "run_seconds": run,
        "run_cpu_seconds": statistics.median(found["run"]["cpu_seconds"] for found in rounds),
        "rows_per_second": round(rows / run),
        "copy_seconds": round(copy, 2),
        "ratio": round(run / copy, 2),
        "ratio_with_check": round((check + run) / copy, 2),
        "memory_mb": {"quarter": small["run_mb"], "whole": max(found["run_mb"] for found in rounds)},
        **back,
    }
