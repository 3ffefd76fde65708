"""script/check: every static check, two at a time; prints each result as it comes and ends with a list."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from tools.testing import servers as throw_away

ROOT = Path(__file__).resolve().parent.parent.parent
APPS = [
    name
    for name in ("crm", "clients", "interactions", "onboarding", "portal", "reports", "tools")
    if (ROOT / name).is_dir()
]
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Check:
    name: str
    command: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def checks() -> list[Check]:
    own_templates = [
        str(path) for path in [ROOT / "templates", *(ROOT / app / "templates" for app in APPS)] if path.is_dir()
    ]
    deployed = {
        "BASE_URL": "https://crm.example.com",
        "EMAIL_URL": "smtp+tls://user:password@mail.example.com:587",
        "DEFAULT_FROM_EMAIL": "Rapport <crm@example.com>",
        "SECRET_KEY": secrets.token_urlsafe(48),
    }
    return [
        Check("mypy", python("-m", "mypy")),
        Check("ruff lint", python("-m", "ruff", "check", "--no-cache", ".")),
        Check("ruff format", python("-m", "ruff", "format", "--no-cache", "--check", ".")),
        Check("import-linter", [str(BIN / "lint-imports"), "--no-cache"]),
        Check("djlint", python("-m", "djlint", "--lint", "--quiet", *own_templates)),
        Check("makemigrations --check", python("manage.py", "makemigrations", "--check", "--dry-run")),
        Check(
            "migration linter",
            python("manage.py", "lintmigrations", "--no-cache", "--quiet", "ok", "ignore", "warning"),
            {"DJANGO_SETTINGS_MODULE": "tools.testing.check_settings"},
        ),
        Check("check --deploy", python("manage.py", "check", "--deploy", "--fail-level", "WARNING"), deployed),
        Check(
            "bandit",
            python(
                "-m",
                "bandit",
                "-q",
                "-r",
                "-c",
                "pyproject.toml",
                "--severity-level",
                "medium",
                "--confidence-level",
                "medium",
                *APPS,
            ),
        ),
    ]


def run(check: Check) -> tuple[Check, int, str, float]:
    started = time.monotonic()
    answer = subprocess.run(
        list(check.command),
        cwd=ROOT,
        env=os.environ | check.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return check, answer.returncode, answer.stdout, time.monotonic() - started


def main(wanted: list[str]) -> int:
    chosen = [check for check in checks() if not wanted or any(word in check.name for word in wanted)]
    if not chosen:
        print(
            f"There is no check named {' '.join(wanted)}. Known: {', '.join(check.name for check in checks())}.",
            file=sys.stderr,
        )
        return 2
    servers = throw_away.start()
    failed: list[str] = []
    try:
        with ThreadPoolExecutor(max_workers=2) as pool:
            for future in as_completed([pool.submit(run, check) for check in chosen]):
                check, code, output, seconds = future.result()
                print(f"{'ok    ' if code == 0 else 'FAILED'}  {check.name}  ({seconds:.0f} s)", flush=True)
                if code:
                    failed.append(check.name)
                    print("\n".join("        " + line for line in output.strip().splitlines()[-200:]), flush=True)
    finally:
        throw_away.stop(servers)
    if failed:
        print(f"{len(failed)} of {len(chosen)} checks failed: {', '.join(failed)}")
        return 1
    print(f"All {len(chosen)} checks passed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
