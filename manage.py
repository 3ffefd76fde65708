#!/usr/bin/env python
"""Commands. Where the environment names no database or Redis, those of the data folder are used, and started if need be."""

import atexit
import importlib.util
import os
import signal
import sys


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    if importlib.util.find_spec("django") is None or importlib.util.find_spec("celery") is None:
        print(
            "Django is not installed for this Python. Call script/setup, then .venv/bin/python manage.py.",
            file=sys.stderr,
        )
        return 1
    from tools import embedded  # noqa: PLC0415  only after the check above: the package needs what it checks for
    from tools.embedded.environment import OWNER_COMMANDS  # noqa: PLC0415

    command = next((word for word in sys.argv[1:] if not word.startswith("-")), "help")
    if command in ("help", "version") or {"--help", "-h", "--version"} & set(sys.argv):
        embedded.stand_in(os.environ)
    else:
        # a plain end by signal goes through atexit too, so that the last user stops the servers
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
        atexit.register(embedded.release)
        try:
            embedded.complete(os.environ)
        except embedded.Problem as problem:
            print(problem, file=sys.stderr)
            return 1
        if command in OWNER_COMMANDS and os.environ.get("MIGRATE_URL"):
            os.environ["DATABASE_URL"] = os.environ["MIGRATE_URL"]
    return run()


def run() -> int:
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
