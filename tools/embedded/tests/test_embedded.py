"""The servers of a data folder: started, shared, adopted, revived, and refused where that is the safe thing."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import psycopg2
import pytest
import redis

from tools.embedded import Problem, Servers, ensure, process
from tools.embedded.folder import DataFolder

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def data_dir():
    path = Path(tempfile.mkdtemp(prefix="rapport-embedded-"))
    path.chmod(0o711)
    yield path
    servers = Servers(path, durable=False)
    servers.abandoned()
    for folder in {path, *servers.elsewhere()}:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def servers(data_dir):
    servers = Servers(data_dir, durable=False)
    yield servers
    servers.release()


def ask(url, sql):
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()[0] if cursor.description else None
    finally:
        connection.close()


def postmaster(data_dir):
    return int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0])


def test_starts_both_servers_with_two_roles_and_leaves_no_process(servers, data_dir):
    urls = servers.start()
    assert ask(urls["DATABASE_URL"], "SELECT current_user") == "rapport_app"
    assert ask(urls["MIGRATE_URL"], "SELECT current_user") == "rapport_owner"
    assert ask(urls["DATABASE_URL"], "SELECT 'Émile' ILIKE 'émile'") is True
    assert redis.Redis.from_url(urls["REDIS_URL"]).ping()
    pids = postmaster(data_dir), servers.folder.read("run/redis.json")["pid"]
    assert servers.release() is True
    assert [process.started(pid) for pid in pids] == [None, None]


def test_the_application_may_not_change_the_schema_and_the_owner_may(servers):
    urls = servers.start()
    ask(urls["MIGRATE_URL"], "CREATE TABLE kept (id int)")
    ask(urls["MIGRATE_URL"], "CREATE EXTENSION btree_gist")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        ask(urls["DATABASE_URL"], "CREATE TABLE mine (id int)")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        ask(urls["DATABASE_URL"], "SET ROLE rapport_owner")


def test_passwords_are_readable_by_their_owner_only(servers, data_dir):
    servers.start()
    assert stat.S_IMODE((data_dir / "servers.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((data_dir / "postgres").stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to give its rights away")
def test_as_root_the_servers_run_as_somebody_else(servers, data_dir):
    servers.start()
    assert (data_dir / "postgres").stat().st_uid != 0
    assert Path(f"/proc/{postmaster(data_dir)}").stat().st_uid != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the servers as somebody else")
def test_as_root_in_a_folder_nobody_else_may_enter_the_data_lie_elsewhere(data_dir):
    closed = data_dir / "home"
    closed.mkdir(mode=0o700)
    servers = Servers(closed / "data", durable=False)
    try:
        urls = servers.start()
        (elsewhere,) = servers.elsewhere()
        assert elsewhere.is_relative_to("/var/lib/rapport")
        ask(urls["MIGRATE_URL"], "CREATE TABLE kept (id int)")
        servers.release()
        assert ask(servers.start()["MIGRATE_URL"], "SELECT count(*) FROM kept") == 0
    finally:
        servers.release()
        for folder in servers.elsewhere():
            shutil.rmtree(folder)


def test_the_last_of_several_users_stops_them(servers, data_dir):
    urls = servers.start()
    other = Servers(data_dir, durable=False)
    assert other.start() == urls
    assert servers.release() is False
    assert ask(urls["DATABASE_URL"], "SELECT 1") == 1
    assert other.release() is True


def test_what_a_killed_process_left_running_is_adopted(servers, data_dir):
    code = f"""
        import os, signal
        from tools.embedded import Servers
        Servers({str(data_dir)!r}, durable=False).start()
        os.kill(os.getpid(), signal.SIGKILL)
    """
    left = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, check=False)
    assert left.returncode == -signal.SIGKILL
    before = postmaster(data_dir)
    urls = servers.start()
    assert postmaster(data_dir) == before
    assert ask(urls["DATABASE_URL"], "SELECT 1") == 1
    assert servers.release() is True
    assert process.started(before) is None


def test_killed_servers_come_back_under_the_same_address_with_the_data(data_dir):
    servers = Servers(data_dir)
    urls = servers.start()
    ask(urls["MIGRATE_URL"], "CREATE TABLE kept AS SELECT 7 AS n")
    assert servers.dead() == []
    for pid in (postmaster(data_dir), servers.folder.read("run/redis.json")["pid"]):
        os.kill(pid, signal.SIGKILL)
    end = time.monotonic() + 5
    while len(servers.dead()) < 2:  # a killed process with threads is waited for a moment after it is gone
        assert time.monotonic() < end
    servers.revive()
    assert servers.urls() == urls
    assert ask(urls["MIGRATE_URL"], "SELECT n FROM kept") == 7
    servers.release()


def test_a_pid_file_whose_pid_belongs_to_another_program_does_not_stop_the_start(servers, data_dir):
    servers.start()
    servers.release()
    (data_dir / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n{data_dir}/postgres\n1\n1\n\n\n\nready\n")
    assert ask(servers.start()["DATABASE_URL"], "SELECT 1") == 1


def test_a_folder_of_another_major_version_is_never_opened(servers, data_dir):
    servers.start()
    servers.release()
    version = data_dir / "postgres" / "PG_VERSION"
    version.write_text("12\n")
    with pytest.raises(
        Problem, match=r"made by PostgreSQL 12, and this machine has PostgreSQL \d+\. Install PostgreSQL 12"
    ):
        servers.start()
    assert version.read_text() == "12\n"


def test_lost_passwords_are_said_and_nothing_is_begun_anew(servers, data_dir):
    servers.start()
    servers.release()
    (data_dir / "servers.json").rename(data_dir / "lost.json")
    with pytest.raises(Problem, match=r"servers\.json.* is missing"):
        servers.start()
    (data_dir / "lost.json").rename(data_dir / "servers.json")


def test_a_full_disk_is_said_before_anything_is_made(servers, data_dir, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1, 1, 10 * 2**20))
    with pytest.raises(Problem, match=r"has only 10 MB left"):
        servers.start()
    assert not (data_dir / "postgres").exists()


def test_a_file_in_place_of_the_data_folder_is_named(data_dir):
    (data_dir / "file").write_text("")
    with pytest.raises(Problem, match=r"RAPPORT_DATA_DIR: .*file is not a folder"):
        DataFolder(data_dir / "file").prepare()


def test_addresses_from_the_environment_are_used_and_nothing_is_started(data_dir):
    given = {"DATABASE_URL": "postgres://somewhere/else", "REDIS_URL": "redis://somewhere"}
    assert ensure(data_dir, given) == {}
    assert not (data_dir / "run").exists()


def test_manage_py_without_django_says_what_to_call():
    answer = subprocess.run(
        [sys.executable, "-S", str(ROOT / "manage.py"), "check"], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 1
    assert "Call script/setup" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("command", [("bench", "--help"), ("migrate", "-h"), ("help",)], ids=" ".join)
def test_help_of_a_command_needs_no_server_and_makes_nothing(command, tmp_path):
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    answer = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *command],
        env=environment | {"RAPPORT_DATA_DIR": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0 and command[0] in answer.stdout, answer.stderr
    assert not (tmp_path / "data").exists()
