"""One data folder, and what runs on it: the commands and the server of either version of the code."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg2

from tools.upgrade.ports import free_port
from tools.upgrade.problem import Problem

# Everything else about Rapport in the caller's environment is dropped.
PASSED_ON = re.compile(r"PATH|HOME|TMPDIR|LANG|LC_\w+|PYTHON|PIP_\w+|SSL_CERT_\w+|\w+_PROXY", re.IGNORECASE)
HOLD = "import sys; print('ready', flush=True); sys.stdin.read()"
FIRST_START_SECONDS = 300
STOP_SECONDS = 60


class Installation:
    def __init__(self, folder: Path, mail_port: int):
        self.folder = folder
        self.data = folder / "data"
        port = free_port()
        self.base_url = f"http://127.0.0.1:{port}"
        self.environment = {name: value for name, value in os.environ.items() if PASSED_ON.fullmatch(name)} | {
            "RAPPORT_DATA_DIR": str(self.data),
            "PORT": str(port),
            "BASE_URL": self.base_url,
            "EMAIL_URL": f"smtp://127.0.0.1:{mail_port}",
            "LOG_LEVEL": "WARNING",
        }

    # ── programs ─────────────────────────────────────────────────────────

    def run(self, tree: Path, *command: str) -> None:
        """Raises Problem with its last words if it fails."""
        with self._output(command) as output:
            answer = subprocess.run(
                [tree / command[0], *command[1:]],
                cwd=tree,
                env=self.environment,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        if answer.returncode:
            raise Problem(f"{' '.join(command)} failed: {self._last_words(command)}")

    def manage(self, tree: Path, *command: str) -> None:
        self.run(tree, ".venv/bin/python", "manage.py", *command)

    @contextlib.contextmanager
    def hold(self, tree: Path, *command: str) -> Iterator[str]:
        """Keep the servers up with a program that starts them, prints a line and waits for the end of its input. Gives the line."""
        with (
            self._output(command) as output,
            subprocess.Popen(
                [tree / ".venv/bin/python", *command],
                cwd=tree,
                env=self.environment,
                text=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                start_new_session=True,
            ) as program,
        ):
            assert program.stdin is not None and program.stdout is not None
            try:
                line = program.stdout.readline()
                if not line:
                    raise Problem(f"{command[0]} failed: {self._last_words(command)}")
                yield line
            finally:
                program.stdin.close()
                _wait(program)

    def hold_servers(self, tree: Path) -> contextlib.AbstractContextManager[str]:
        return self.hold(tree, "manage.py", "shell", "--no-imports", "-c", HOLD)

    @contextlib.contextmanager
    def serve(self, tree: Path) -> Iterator[None]:
        """script/server, as a person starts it and stops it."""
        command = ("script/server", tree.name)
        with self._output(command) as output:
            program = subprocess.Popen(
                [tree / "script/server"],
                cwd=tree,
                env=self.environment,
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            end = time.monotonic() + FIRST_START_SECONDS
            while not self._answers():
                if program.poll() is not None or time.monotonic() > end:
                    raise Problem(f"script/server of the {tree.name} code did not start: {self._last_words(command)}")
                time.sleep(0.2)
            yield
        finally:
            program.terminate()
            _wait(program)

    def _answers(self) -> bool:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            return opener.open(f"{self.base_url}/healthz", timeout=5).status == 200
        except OSError:
            return False

    def _output(self, command: tuple[str, ...]):
        return self._log(command).open("a")

    def _log(self, command: tuple[str, ...]) -> Path:
        words = [
            re.sub(r"\W+", "-", word) for word in command if not word.startswith((".venv", "-")) and " " not in word
        ]
        return self.folder / f"{'-'.join(words)}.log"

    def _last_words(self, command: tuple[str, ...]) -> str:
        lines = self._log(command).read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    # ── the database ─────────────────────────────────────────────────────

    def connect(self):
        """To the database of the data folder as its owner, while its servers run."""
        kept = json.loads((self.data / "servers.json").read_text())
        port = json.loads((self.data / "run" / "ports.json").read_text())["postgres"]
        return psycopg2.connect(
            host="127.0.0.1", port=port, dbname="rapport", user="rapport_owner", password=kept["owner"]
        )

    def ask(self, statement: str, *values) -> list:
        """The first column of every row."""
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
            return [row[0] for row in cursor.fetchall()]

    # ── the end ──────────────────────────────────────────────────────────

    def end_processes(self) -> None:
        """End what a killed launcher left. Our data folder in its environment says that it is ours."""
        for pid in self._left_over():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def remove(self) -> None:
        """Remove every folder of the run."""
        with contextlib.suppress(OSError, ValueError, KeyError):
            postgres = Path(json.loads((self.data / "servers.json").read_text())["postgres"])
            if postgres.is_absolute():  # the servers' user could not reach the data folder
                shutil.rmtree(postgres.parent)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _left_over(self) -> list[int]:
        wanted, found = f"RAPPORT_DATA_DIR={self.data}".encode(), []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
        return found


def _wait(program: subprocess.Popen) -> None:
    try:
        program.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()
