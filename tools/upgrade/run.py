"""The run: the old code creates the data, the new code upgrades it, and the guarantees are checked."""

import contextlib
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tools.upgrade import expected, links, snapshot, tables, trees
from tools.upgrade.installation import Installation
from tools.upgrade.problem import Problem
from tools.upgrade.sink import Sink

ALLOWED = snapshot.Allowed(expected.GROWS, expected.CHANGES, expected.GOES)
MAIL_SECONDS = 90
QUIET_SECONDS = 3
BUSY = "SELECT id FROM core_outboxmail WHERE state IN ('leased', 'sending') OR (state = 'pending' AND next_attempt_at <= now())"
DUE = "SELECT message_id FROM core_outboxmail WHERE state = 'pending' AND next_attempt_at <= now()"
SENT = "SELECT message_id FROM core_outboxmail WHERE state = 'sent'"


@dataclass
class Result:
    failures: list[str] = field(default_factory=list)
    tables: int = 0
    mails: int = 0
    links: int = 0


@dataclass
class Past:
    """What the old code left: its rows, and {kind: Message-ID} of the mails in each of the two states."""

    rows: snapshot.Snapshot
    mailed: dict[str, str]
    waiting: dict[str, str]
    due: set[str]
    sent: set[str]


class Upgrade:
    def __init__(self, commit: str, script: Path, folder: Path, sink: Sink, clients: int, say: Callable[[str], None]):
        self.commit, self.script, self.clients, self.say = commit, script, clients, say
        self.old, self.new = folder / "old", folder / "new"
        self.sink = sink
        self.installation = Installation(folder, sink.port)
        self.result = Result()

    def run(self) -> Result:
        self.say("Taking the two versions of the code")
        trees.write_commit(self.commit, self.old)
        trees.write_checkout(self.new)
        for tree in (self.old, self.new):
            if not trees.share_packages(tree):
                trees.lend_packages(tree)
                self.installation.run(tree, "script/setup")
        past = self._live_in_the_past()
        try:
            self._migrate(past)
            self._deliver(past)
        except Problem as problem:  # of the new code: one failure beside those found before it
            self._fail(str(problem))
        return self.result

    # ── the old code ─────────────────────────────────────────────────────

    def _live_in_the_past(self) -> Past:
        name = self.script.name
        shutil.copy2(self.script, self.old / name)
        self.say("The old code makes its demo firm and runs")
        with self.installation.serve(self.old):
            self.say("The old code mails")
            with self.installation.hold(self.old, name) as line:
                mailed = json.loads(line)
            if missing := self.sink.wait_for(mailed.values(), MAIL_SECONDS):
                raise Problem(
                    f"The old code did not deliver {len(missing)} of its {len(mailed)} mails. The run proves nothing."
                )
            self._wait_until_idle()
        if self.clients:
            self.say(f"The old code loads {self.clients} clients")
            self.installation.manage(self.old, "seed_load", f"--clients={self.clients}", "--verbosity=0")
        self.say("The old code leaves mails in the outbox and stops")
        with self.installation.hold(self.old, name) as line:
            waiting = json.loads(line)
            with contextlib.closing(self.installation.connect()) as connection:
                rows = snapshot.take(connection, ALLOWED)
            due, sent = set(self.installation.ask(DUE)), set(self.installation.ask(SENT))
        if not set(waiting.values()) <= due:
            raise Problem("A mail that the old code wrote last does not wait in the outbox. The run proves nothing.")
        return Past(rows, mailed, waiting, due, sent)

    def _wait_until_idle(self) -> None:
        end = time.monotonic() + MAIL_SECONDS
        while self.installation.ask(BUSY):
            if time.monotonic() > end:
                raise Problem(
                    f"The old code still has mail to send after {MAIL_SECONDS} seconds. The run proves nothing."
                )
            time.sleep(0.2)

    # ── the new code ─────────────────────────────────────────────────────

    def _migrate(self, past: Past) -> None:
        self.say("The new code migrates")
        with self.installation.hold_servers(self.new):
            self.installation.manage(self.new, "migrate", "--noinput")
            with contextlib.closing(self.installation.connect()) as connection:
                rows = snapshot.take(connection, ALLOWED, like=past.rows)
                made = tables.read(connection)
        self.result.failures += tables.differences(made, self._fresh_tables())
        found = snapshot.differences(past.rows, rows, ALLOWED)
        self.result.failures += found
        self.result.tables = len(rows) - len({line.partition(":")[0] for line in found} & rows.keys())

    def _fresh_tables(self) -> dict[str, str]:
        self.say("The new code makes an empty database")
        folder = self.installation.folder / "fresh"
        folder.mkdir()
        fresh = Installation(folder, self.sink.port)
        try:
            with fresh.hold_servers(self.new):
                fresh.manage(self.new, "migrate", "--noinput")
                with contextlib.closing(fresh.connect()) as connection:
                    return tables.read(connection)
        finally:
            fresh.end_processes()

    def _deliver(self, past: Past) -> None:
        before = self.sink.counts()
        self.say("The new code runs")
        with self.installation.serve(self.new):
            self._open_links(past.mailed, "mailed by the old code")
            self.say(f"The new code delivers {len(past.due)} mails that waited")
            self.sink.wait_for(past.due, MAIL_SECONDS)
            self.installation.manage(self.new, "drain")
            time.sleep(QUIET_SECONDS)
            self._open_links(past.waiting, "mailed by the new code")
            unsettled = past.due - set(self.installation.ask(SENT))
        self._count_mails(past, before.keys())
        if unsettled:
            self._fail(
                f"{len(unsettled)} mails that waited are not marked as sent: {', '.join(map(self._name, sorted(unsettled)))}"
            )

    def _open_links(self, mails: dict[str, str], origin: str) -> None:
        for kind in links.KINDS:
            mail = self.sink.find(mails[kind.mail])
            if mail is None:
                self._fail(f"{kind.name} link, {origin}: its mail did not arrive")
                continue
            link = links.find(kind, mail.text, self.installation.base_url)
            if link is None:
                self._fail(f"{kind.name} link, {origin}: the mail “{mail.subject}” has no such link")
            elif trouble := links.trouble_with(kind, link):
                self._fail(f"{kind.name} link, {origin}: it {trouble}")
            else:
                self.result.links += 1

    def _count_mails(self, past: Past, before) -> None:
        counts = self.sink.counts()
        for message_id in sorted(past.due - counts.keys()):
            self._fail(f"A mail that waited did not go out: {self._name(message_id, past)}")
        for message_id, count in counts.items():
            if count > 1:
                self._fail(f"A mail went out {count} times: {self._name(message_id)}")
            elif message_id in past.sent and message_id not in before:
                self._fail(f"A mail that the old code had sent went out again: {self._name(message_id)}")
        self.result.mails = sum(counts[message_id] == 1 for message_id in past.due | (past.sent & before))

    def _name(self, message_id: str, past: Past | None = None) -> str:
        kinds = {message_id: kind for kind, message_id in past.waiting.items()} if past else {}
        mail = self.sink.find(message_id)
        return f"“{mail.subject}” to {', '.join(mail.recipients)}" if mail else kinds.get(message_id, message_id)

    def _fail(self, line: str) -> None:
        self.result.failures.append(line)
