"""script/server: what stops it at once and in one sentence, and that what runs comes back, or goes, in order."""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tools.embedded import process
from tools.embedded.folder import DataFolder
from tools.embedded.postgres import free_port
from tools.launcher import children, install
from tools.launcher.children import Child
from tools.testing import servers as throw_away

ROOT = Path(__file__).resolve().parents[3]
GIVEN = ("DATABASE_URL", "MIGRATE_URL", "REDIS_URL", "SECRET_KEY", "BASE_URL", "PORT")


@pytest.fixture
def data_dir():
    path = Path(tempfile.mkdtemp(prefix="rapport-launcher-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path, ignore_errors=True)


def environment(data_dir, **more):
    kept = {name: value for name, value in os.environ.items() if name not in GIVEN and not name.startswith("DJANGO")}
    return kept | {"RAPPORT_DATA_DIR": str(data_dir)} | more


def serve(*arguments, **more):
    command = [sys.executable, "-m", "tools.launcher.serve", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment(**more), capture_output=True, text=True, check=False, timeout=60
    )


def wait_until(condition, seconds=30.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "timed out"
        time.sleep(0.05)


# ── refusals ─────────────────────────────────────────────────────────────


def refused(answer, words):
    assert answer.returncode == 1
    assert words in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1
    assert "Traceback" not in answer.stderr


def test_a_busy_port_is_named_with_a_free_one(data_dir):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        answer = serve(data_dir=data_dir, PORT=str(port))
    refused(answer, f"Port {port} is in use by another program")
    assert not (data_dir / "postgres").exists()


def test_a_port_that_is_no_number_is_named(data_dir):
    refused(serve(data_dir=data_dir, PORT="eighty"), "PORT: is 'eighty'; expected a number from 1 to 65535")


def test_a_database_that_does_not_answer_is_named_without_its_password(data_dir):
    url = f"postgres://me:secret-word@127.0.0.1:{free_port()}/rapport"
    answer = serve(
        data_dir=data_dir, PORT=str(free_port()), DATABASE_URL=url, REDIS_URL="redis://127.0.0.1:1/0", SECRET_KEY="x"
    )
    refused(answer, "DATABASE_URL: no connection to PostgreSQL at 127.0.0.1")
    assert "secret-word" not in answer.stderr + answer.stdout


def test_a_database_address_that_cannot_be_read_is_named(data_dir):
    answer = serve(data_dir=data_dir, PORT=str(free_port()), DATABASE_URL="postgres://me:word@host:port/rapport")
    refused(answer, "DATABASE_URL: no connection to PostgreSQL at an address that cannot be read")


def test_a_second_launcher_on_the_same_folder_is_told_of_the_first(data_dir):
    folder = DataFolder(data_dir)
    folder.prepare()
    code = f"import fcntl, sys; f = open({str(folder.run / 'launcher.lock')!r}, 'w'); fcntl.flock(f, 2); print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        folder.write("run/launcher.json", {"url": "http://127.0.0.1:8000", "pid": holder.pid})
        answer = serve(data_dir=data_dir, PORT=str(free_port()))
    finally:
        holder.communicate()
    refused(answer, f"already runs on {data_dir} at http://127.0.0.1:8000 (process {holder.pid})")


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (
            "WARNING: Retrying after connection broken by 'NewConnectionError(...)': /simple/django/",
            "cannot be reached",
        ),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "not the one that was locked"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "No space is left"),
        ("ERROR: No matching distribution found for nh3==0.3.8", "no ready-made package of nh3==0.3.8"),
    ],
)
def test_a_failed_installation_says_why_in_one_sentence(output, words):
    assert words in str(install.explain(output))


def test_the_wheel_of_pip_is_the_one_that_is_pinned():
    import hashlib

    assert hashlib.sha256(install.PIP.read_bytes()).hexdigest() == install.PIP_SHA256


# ── what runs ────────────────────────────────────────────────────────────

GROUP = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); print('up', flush=True); time.sleep(60)"


@pytest.fixture
def folder(data_dir):
    folder = DataFolder(data_dir)
    folder.prepare()
    return folder


def start(folder):
    child = Child("worker", [sys.executable, "-c", GROUP], dict(os.environ), grace=2)
    child.start(folder, ROOT)
    wait_until(lambda: "up" in folder.log_tail("worker"))
    return child


def marked(folder):
    return process.marked(children.MARK, str(folder.path))


def test_stopping_a_child_ends_its_whole_group(folder):
    child = start(folder)
    assert len(marked(folder)) == 2
    child.stop()
    wait_until(lambda: not marked(folder), 5)


def test_a_child_that_keeps_dying_is_started_after_longer_and_longer_pauses(folder):
    child = Child("worker", [sys.executable, "-c", ""], dict(os.environ), grace=1)
    pauses = []
    for _ in range(3):
        child.start(folder, ROOT)
        child.popen.wait()
        child.note_death(time.monotonic())
        pauses.append(child.pause)
    assert pauses == [0.5, 1.0, 2.0]


def test_the_next_start_ends_what_a_killed_launcher_left(folder):
    child = start(folder)
    children.remember(folder, [child])
    os.kill(child.popen.pid, signal.SIGKILL)  # the leader dies, its own child stays
    child.popen.wait()
    assert len(marked(folder)) == 1
    children.stop_leftovers(folder, lambda text: None)
    wait_until(lambda: not marked(folder), 5)


def test_a_process_that_only_has_the_same_number_is_left_alone(folder):
    folder.write(children.STATE, {"web": {"pid": os.getpid(), "started": "another boot:1"}})
    children.stop_leftovers(folder, lambda text: None)
    assert folder.read(children.STATE) is None


# ── all of it ────────────────────────────────────────────────────────────


def answers(port):
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    return False


def test_a_kept_cluster_that_is_gone_leaves_nothing_behind(data_dir, tmp_path):
    assert throw_away.copy_cluster(tmp_path / "gone", data_dir) is False
    (tmp_path / "half" / "postgres").mkdir(parents=True)
    assert throw_away.copy_cluster(tmp_path / "half", data_dir) is False
    assert list(data_dir.iterdir()) == []


def test_everything_starts_survives_kills_and_stops_without_leaving_a_process(data_dir):
    if kept := throw_away.kept_cluster():
        throw_away.copy_cluster(kept, data_dir)  # where there is none, the start makes its own and takes longer
    folder, port = DataFolder(data_dir), free_port()
    command = [sys.executable, "-m", "tools.launcher.serve", "--no-demo"]
    log = (data_dir / "out").open("w")
    launcher = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(data_dir, PORT=str(port), RAPPORT_STARTED=str(int(time.time()))),
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        wait_until(lambda: launcher.poll() is not None or "is ready" in (data_dir / "out").read_text(), 240)
        assert answers(port), (data_dir / "out").read_text()
        running = json.loads((data_dir / children.STATE).read_text())
        for pid in (running["web"]["pid"], int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0])):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: "starting it again" in (data_dir / "out").read_text() and answers(port))
        launcher.send_signal(signal.SIGINT)
        assert launcher.wait(40) == 0
    finally:
        if launcher.poll() is None:
            launcher.terminate()
            launcher.wait(40)
    words = (data_dir / "out").read_text()
    assert re.search(rf"ready at http://127.0.0.1:{port}, \d+ s after the start", words)
    order = [words.index(f"Stopping {name}") for name in ("web", "beat", "worker", "PostgreSQL")]
    assert order == sorted(order)
    assert marked(folder) == []
    assert process.working_in(data_dir / "postgres") == []
