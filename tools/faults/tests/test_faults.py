"""What the delivery survives, on real servers: the step loop, the negative controls, and a short run with faults (script/faults)."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

from crm.core.mail.delivery.tests.test_delivery_celery import database_url
from tools.embedded.postgres import free_port
from tools.faults import broken, orders, report, run, stages
from tools.faults.kinds import KINDS, RARE, schedule
from tools.faults.processes import ROOT, Child, python, wait_for
from tools.faults.stages import SCENES, SHOWS
from tools.faults.verdict import Count, Verdict
from tools.faults.world import _listens

NOT_IN_SHORT = {"suspend", "worker-stop"}  # they have to last longer than the leases


@pytest.fixture(scope="module")
def sink(tmp_path_factory):
    folder, port = tmp_path_factory.mktemp("sink"), free_port()
    command = python("tools.faults.sink", "--folder", str(folder), "--port", str(port), "--wait", "5")
    child = Child("sink", command, dict(os.environ), folder)
    child.start()
    wait_for(lambda: _listens(port), 30, "the sink does not listen")
    yield folder, port
    child.end()


@pytest.fixture(scope="module")
def stage(sink, django_db_setup, django_db_blocker):
    folder, port = sink
    with django_db_blocker.unblock():
        environment = os.environ | {
            "DATABASE_URL": database_url(),
            "REDIS_URL": settings.REDIS_URL,
            "RAPPORT_DATA_DIR": str(folder),
        }
    with stages.staged(folder, port, environment) as stage:
        yield stage


@pytest.fixture
def staged(transactional_db, stage, monkeypatch):
    monkeypatch.setattr("crm.core.work.jobs._wake_up", lambda task, kwargs: None)

    def play(names, control=""):
        stage.control = control
        return [problem for name in names for problem in stages.play(stage, name)]

    return play


@pytest.mark.parametrize("policy", stages.POLICIES)
def test_a_sender_killed_at_each_point_leaves_exactly_this(staged, policy):
    names = [name for name in SCENES if name.startswith("killed-") and name.endswith(policy)]
    assert len(names) == len(stages.POINTS)
    assert staged(names) == []


def test_senders_that_go_on_after_their_time_double_nothing(staged):
    assert staged([name for name in SCENES if not name.startswith("killed-")]) == []


@pytest.mark.parametrize("control", broken.CONTROLS)
def test_without_a_guarantee_the_scenes_go_red(staged, control):
    problems = staged(SHOWS[control], control)
    assert problems
    assert not [problem for problem in problems if "did not come to" in problem]


def test_a_short_run_with_every_kind_of_fault(tmp_path):
    kinds = [kind for kind in KINDS if kind not in NOT_IN_SHORT]
    command = python(
        "tools.faults",
        "--quick",
        "--minutes",
        "0.25",
        "--mails",
        "120",
        "--faults",
        str(len(kinds)),
        "--kinds",
        ",".join(kinds),
        "--logs",
        str(tmp_path),
    )
    answer = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "crm.settings"},
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    result = json.loads(answer.stdout)
    assert set(kinds) <= set(result["kinds"])
    total = result["total"]
    assert (total["lost"], total["duplicated"], total["unexpected"], total["faults"]) == (0, 0, 0, len(kinds))
    assert total["attempted"] >= 100


# ── the harness itself ───────────────────────────────────────────────────


def test_every_kind_comes_as_often_as_the_others_and_the_long_ones_seldom():
    import random

    names = schedule(320, random.Random(1))
    assert names == schedule(320, random.Random(1))
    assert set(names) == set(KINDS)
    assert all(names.count(kind) <= most for kind, most in RARE.items())
    counts = [names.count(kind) for kind in KINDS if kind not in RARE]
    assert max(counts) - min(counts) <= 1


@pytest.mark.parametrize(
    ("words", "journal", "state"),
    [
        ("", True, "sent"),
        ("rcpt-451", False, "sent"),
        ("dot-550", True, "dead"),
        ("dot-reset-lost", True, "sent"),
        ("dot-reset-lost", False, "uncertain"),
        ("journal-550", True, "sent"),
        ("journal-550.dot-reset-kept", True, "uncertain"),
        ("dot-silence-kept", False, "uncertain"),
    ],
)
def test_what_a_mail_has_to_end_as_follows_from_its_orders(words, journal, state):
    assert orders.expected(words, has_journal_policy=journal) == {state}
    assert [order.stage for order in orders.of(orders.address(7, words))] == [
        word.partition("-")[0] for word in words.split(".") if word
    ]


def test_two_ticks_at_once_are_seen(tmp_path):
    ticks: Path = tmp_path / "ticks"
    assert broken.overlaps(ticks) == 0
    ticks.write_text("1.0\t7\tbegin\n1.1\t8\tbegin\n1.3\t7\tend\n1.4\t8\tend\n")
    assert broken.overlaps(ticks) == 1
    ticks.write_text("1.0\t7\tbegin\n1.1\t8\tbegin\n1.4\t8\tend\n")  # the first was killed
    assert broken.overlaps(ticks) == 0


def test_one_bad_mail_makes_a_run_red():
    verdict = Verdict("journal")
    verdict.kinds["worker-kill"] = Count(faults=1, attempted=3, received=3)
    assert verdict.is_green
    for name in ("lost", "duplicated", "unexpected", "not_recovered"):
        verdict.kinds["worker-kill"] = Count(**{name: 1})
        assert not verdict.is_green
    outcome = run.Outcome(run.Plan(), verdict, [], 1, 1, 1)
    assert "worker-kill" in report.table(outcome)
