"""script/upgrade-test [OLD_COMMIT] [--clients N]"""

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from tools.upgrade import trees
from tools.upgrade.problem import Problem
from tools.upgrade.run import Result, Upgrade
from tools.upgrade.sink import Sink

DEFAULT = "4f8d5f9"
HERE = Path(__file__).resolve().parent


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="script/upgrade-test", description="Starts the current code on the data of an old commit."
    )
    parser.add_argument("commit", nargs="?", default=DEFAULT, metavar="OLD_COMMIT", help=f"by default {DEFAULT}")
    parser.add_argument("--clients", type=int, default=0, help="load so many clients besides the demo firm")
    parser.add_argument("--keep", action="store_true", help="keep the temporary folder with the data and the logs")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    started = time.monotonic()
    try:
        commit = trees.find_commit(options.commit)
        result = run(commit, options)
    except Problem as problem:
        print(f"upgrade from {options.commit} FAILED: {problem}", flush=True)
        return 1
    return report(commit[:7], result, time.monotonic() - started)


def run(commit: str, options: argparse.Namespace) -> Result:
    started = time.monotonic()
    script = script_for(commit)
    folder = Path(tempfile.mkdtemp(prefix="rapport-upgrade-"))
    folder.chmod(0o711)  # PostgreSQL may run as another user, who has to pass
    with Sink() as sink:
        upgrade = Upgrade(
            commit,
            script,
            folder,
            sink,
            options.clients,
            lambda text: print(f"{time.monotonic() - started:5.0f} s  {text}", flush=True),
        )
        try:
            return upgrade.run()
        finally:
            upgrade.installation.end_processes()
            if options.keep:
                print(f"The data and the logs are in {folder}", flush=True)
            else:
                upgrade.installation.remove()


def script_for(commit: str) -> Path:
    """The script that makes the mails with the names of this commit's code. Raises Problem if there is none."""
    known = {path.stem.removeprefix("old_"): path for path in HERE.glob("old_*.py")}
    for name, path in known.items():
        if commit.startswith(name):
            return path
    raise Problem(
        f"tools/upgrade has no old_{commit[:7]}.py that knows this commit's code. Known: {', '.join(sorted(known))}."
    )


def report(commit: str, result: Result, seconds: float) -> int:
    for failure in result.failures:
        print(f"  {failure}", flush=True)
    done = f"{result.tables} tables equal, {result.mails} mails delivered once, {result.links} links open, in {seconds:.0f} s"
    if result.failures:
        count = len(result.failures)
        print(f"upgrade from {commit} FAILED with {count} failure{'' if count == 1 else 's'}: {done}", flush=True)
        return 1
    print(f"upgrade from {commit}: {done}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
