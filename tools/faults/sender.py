"""A sending process, stopped at a named point. Wraps the delivery's functions from outside, without changing them.

Started once, it has everything loaded and forks for each order, a JSON line on stdin: `{"start": {"do": "deliver",
"stop_at": "rcpt", "settings": {…}, "control": ""}}` answers `{"pid": n}`, `{"wait": n}` answers when that process has
stopped itself or ended.
"""

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable

import django
from django.conf import settings

POINTS = (
    "claim",
    "connect",
    "mail",
    "rcpt",
    "before-fence",
    "after-fence",
    "half-body",
    "dot",
    "answer",
    "before-commit",
)


def stop_here() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def after(owner, name: str, *, when: Callable[..., bool] = lambda *args: True) -> None:
    real = getattr(owner, name)

    def wrapped(*args, **kwargs):
        result = real(*args, **kwargs)
        if when(*args):
            stop_here()
        return result

    setattr(owner, name, wrapped)


def before(owner, name: str) -> None:
    real = getattr(owner, name)

    def wrapped(*args, **kwargs):
        stop_here()
        return real(*args, **kwargs)

    setattr(owner, name, wrapped)


def stop_in_transaction(claims) -> None:
    """The result is written but not committed."""
    from django.db import connection

    real = claims.settle

    def wrapped(*args, **kwargs):
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            held = real(*args, **kwargs)
            stop_here()
            cursor.execute("COMMIT")
        return held

    claims.settle = wrapped


def stop_while_sending(relay, *, at_half: bool) -> None:
    """Within the body, or right after the dot."""
    real = relay.Session.hand_over

    def wrapped(session, *args, **kwargs):
        smtp = session.smtp
        send = smtp.send

        def cut(data):
            if at_half and len(data) > 200:
                send(data[: len(data) // 2])
                stop_here()
                return send(data[len(data) // 2 :])
            send(data)
            if not at_half and data == b".\r\n":
                stop_here()

        smtp.send = cut
        try:
            return real(session, *args, **kwargs)
        finally:
            smtp.__dict__.pop("send", None)

    relay.Session.hand_over = wrapped


def stop_at(point: str) -> None:
    from crm.core.mail.delivery import claims, decisions, relay
    from tools.faults import broken

    {
        "claim": lambda: after(claims, "claim_next"),
        "connect": lambda: after(relay.Session, "_connect"),
        "mail": lambda: after(relay.Session, "_command", when=lambda session, name, argument: name == "mail"),
        "rcpt": lambda: after(relay.Session, "_command", when=lambda session, name, argument: name == "rcpt"),
        "before-fence": lambda: before(claims, "fence"),
        "after-fence": lambda: after(claims, "fence"),
        "half-body": lambda: stop_while_sending(relay, at_half=True),
        "dot": lambda: stop_while_sending(relay, at_half=False),
        "answer": lambda: after(relay.Session, "hand_over"),
        "before-commit": lambda: stop_in_transaction(claims),
        "before-policy": lambda: before(decisions, "apply_policy"),
        "witness": lambda: after(broken, "_note"),
    }[point]()


def act(order: dict) -> None:
    from django.utils import timezone

    from crm.core.mail.delivery import claims, settle
    from crm.core.mail.delivery.deliverer import deliver_due
    from crm.core.work import schedule
    from tools.faults import broken

    for name, value in order.get("settings", {}).items():
        setattr(settings, name, value)
    claims.HAND_OVER_SECONDS = order.get("hand_over_seconds", claims.HAND_OVER_SECONDS)
    broken.apply(order.get("control", ""))
    if order.get("stop_at"):
        stop_at(order["stop_at"])
    {"deliver": deliver_due, "sweep": lambda: settle.sweep(timezone.now()), "tick": lambda: schedule.run()}[
        order["do"]
    ]()


def fork(order: dict) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        act(order)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def wait(pid: int) -> dict:
    _pid, status = os.waitpid(pid, os.WUNTRACED)
    if os.WIFSTOPPED(status):
        return {"stopped": True}
    return {"signal": os.WTERMSIG(status)} if os.WIFSIGNALED(status) else {"exit": os.WEXITSTATUS(status)}


def main() -> None:
    django.setup()
    import crm.celery
    from tools.faults import broken  # noqa: F401 - loaded once, for all that are forked

    crm.celery.app.loader.import_default_modules()
    for line in sys.stdin:
        order = json.loads(line)
        answer = {"pid": fork(order["start"])} if "start" in order else wait(order["wait"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
