"""The outcome of every mail: rows compared with the sink's ledger, one by one."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from crm.core.mail.choices import MailState
from crm.core.mail.delivery import journal
from crm.core.mail.models import OutboxMail
from tools.faults import orders
from tools.faults.writer import QUIET, Mail

RECOVERY_LIMIT = 90  # seconds


@dataclass
class Fault:
    number: int
    kind: str
    began: float = 0.0
    returned: float = 0.0
    probe: int | None = None
    note: str = ""


@dataclass(frozen=True)
class Accepted:
    at: float
    message_id: str
    recipient: str
    has_journal: bool


@dataclass
class Count:
    faults: int = 0
    attempted: int = 0
    received: int = 0
    lost: int = 0
    duplicated: int = 0
    undecided: int = 0
    dead: int = 0
    expired: int = 0
    resent: int = 0
    unexpected: int = 0
    recovered: int = 0
    not_recovered: int = 0
    recovery_max: float = 0.0
    slowest: float = 0.0


@dataclass
class Verdict:
    policy: str
    kinds: dict[str, Count] = field(default_factory=lambda: defaultdict(Count))
    undecided: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def total(self) -> Count:
        total = Count()
        for count in self.kinds.values():
            for name, value in vars(count).items():
                mine = getattr(total, name)
                setattr(total, name, max(mine, value) if name in ("recovery_max", "slowest") else mine + value)
        return total

    @property
    def is_green(self) -> bool:
        total = self.total()
        return not (total.lost or total.duplicated or total.unexpected or total.not_recovered)


def read_ledger(path: Path) -> list[Accepted]:
    found = []
    for line in path.read_text().splitlines() if path.exists() else []:
        at, message_id, recipients = line.split("\t")
        first, *others = recipients.split()
        found.append(Accepted(float(at), message_id, first, bool(others)))
    return found


class Judge:
    def __init__(self, policy: str, mails: list[Mail], ledger: Path):
        self.verdict = Verdict(policy)
        self.mails = mails
        self.by_recipient: dict[str, list[Accepted]] = defaultdict(list)
        accepted = read_ledger(ledger)
        for one in accepted:
            self.by_recipient[one.recipient].append(one)
        self.times = Counter(one.message_id for one in accepted)
        self.rows: dict[str, list[OutboxMail]] = defaultdict(list)
        for row in OutboxMail.objects.exclude(kind=journal.PROBE.key).defer("text", "html").order_by("id"):
            self.rows[row.key.partition("#")[0]].append(row)

    def judge(self) -> Verdict:
        for mail in self.mails:
            self._mail(mail)
        known = {mail.key for mail in self.mails}
        for key in self.rows.keys() - known:
            self._wrong(self.verdict.kinds[QUIET], f"{key}: a row that nobody queued")
        ids = {row.message_id for rows in self.rows.values() for row in rows}
        probes = set(OutboxMail.objects.filter(kind=journal.PROBE.key).values_list("message_id", flat=True))
        for message_id in self.times.keys() - ids - probes:
            self._wrong(self.verdict.kinds[QUIET], f"{message_id}: received, and no row has it")
        return self.verdict

    def _wrong(self, count: Count, text: str) -> None:
        count.unexpected += 1
        self.verdict.wrong.append(text)

    def _mail(self, mail: Mail) -> None:
        count = self.verdict.kinds[mail.kind]
        rows, accepted = self.rows.get(mail.key, []), self.by_recipient.get(mail.address, [])
        count.attempted += 1
        count.received += bool(accepted)
        count.resent += max(0, len(rows) - 1)
        if accepted and "send_at" not in mail.options:
            count.slowest = max(count.slowest, round(accepted[0].at - mail.queued_at, 1))
        if len(accepted) > 1:
            count.duplicated += 1
            self.verdict.wrong.append(f"{mail.key}: received {len(accepted)} times {_story(rows)}")
        if not rows:
            return self._wrong(count, f"{mail.key}: has no row")
        last = rows[-1]
        count.dead += last.state == MailState.DEAD
        count.expired += last.state == MailState.EXPIRED
        wanted = mail.expected or orders.expected(mail.orders, has_journal_policy=self.verdict.policy == "journal")
        if self._is_undecided(last):
            count.undecided += 1
            self.verdict.undecided.append(last.key)
        elif last.state not in wanted and not (last.state == MailState.SENT and "uncertain" in wanted and accepted):
            self._wrong(count, f"{mail.key}: ended {last.state}, expected {' or '.join(sorted(wanted))} {_story(rows)}")
        elif last.state == MailState.SENT and not accepted:
            count.lost += 1
            self.verdict.wrong.append(f"{mail.key}: said to be sent, never received {_story(rows)}")
        self._rows(count, mail, rows)

    def _is_undecided(self, row: OutboxMail) -> bool:
        """Undecided is right only if nobody can know: without a journal copy."""
        return row.state == MailState.UNCERTAIN and (self.verdict.policy == "hold" or not row.has_journal)

    def _rows(self, count: Count, mail: Mail, rows: list[OutboxMail]) -> None:
        """Check each row: a sent one was received under its own Message-ID, an unsent one was not."""
        for row in rows:
            times = self.times[row.message_id]
            if row.state == MailState.SENT and times != 1:
                self._wrong(count, f"{row.key}: sent, and received {times} times")
            if row.state in (MailState.DEAD, MailState.CANCELLED, MailState.EXPIRED) and times:
                self._wrong(count, f"{row.key}: {row.state}, and received")

    def faults(self, faults: list[Fault]) -> None:
        by_number = {mail.number: mail for mail in self.mails}
        for fault in faults:
            count = self.verdict.kinds[fault.kind]
            count.faults += 1
            if fault.probe is None:
                continue
            mail = by_number[fault.probe]
            accepted = self.by_recipient.get(mail.address)
            took = accepted[0].at - fault.returned if accepted else None
            if took is None and self.verdict.policy == "hold" and self.rows[mail.key][-1].state == MailState.UNCERTAIN:
                continue  # hit by the next fault in the middle: counted as undecided
            if took is None or took > RECOVERY_LIMIT:
                count.not_recovered += 1
                self.verdict.wrong.append(
                    f"{mail.key}: the first mail after the fault arrived after {took and round(took)} s"
                )
            else:
                count.recovered += 1
                count.recovery_max = max(count.recovery_max, round(took, 1))


def _story(rows: list[OutboxMail]) -> str:
    """The details of one mail that went wrong."""
    parts = []
    for row in rows:
        attempts = ", ".join(f"{a.outcome}@{a.ended_at:%H:%M:%S}" for a in row.delivery_attempts.order_by("id"))
        fenced = f"{row.fenced_at:%H:%M:%S}" if row.fenced_at else "-"
        parts.append(
            f"[{row.key} {row.state} journal={row.has_journal} fenced={fenced} {row.reply[:60]!r}: {attempts}]"
        )
    return " ".join(parts)
