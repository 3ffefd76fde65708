"""Starts background work by name, after the transaction has committed.

A message only says "look". If Redis is away, the row that says what is due is still there, and the tick finds it. A
wake-up without arguments is sent once until a worker takes it, so ten thousand mails do not send ten thousand messages.
"""

import contextlib
import logging
from collections.abc import Callable
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.utils.module_loading import import_string
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

log = logging.getLogger(__name__)
UNANSWERED_SECONDS = 15  # a lost wake-up is sent again after this
_listener: Callable[[Any, dict[str, Any]], None] | None = None


def listen(listener: Callable[[Any, dict[str, Any]], None] | None) -> None:
    """Send this process's wake-ups to `listener(task, kwargs)` instead of the broker: `manage.py drain` is its own worker."""
    global _listener
    _listener = listener


def enqueue(path: str, **kwargs) -> None:
    """Start the Celery task at the dotted `path` on commit. The name is resolved immediately, so a wrong one raises."""
    task = import_string(path)
    transaction.on_commit(lambda: _wake_up(task, kwargs))


def woken(name: str) -> None:
    """Call it first in a task without arguments: later wake-ups are sent again."""
    with contextlib.suppress(RedisError, OSError):
        cache.delete(_wake_up_key(name))


def _wake_up(task, kwargs) -> None:
    if _listener is not None:
        _listener(task, kwargs)
        return
    try:
        if kwargs or cache.add(_wake_up_key(task.name), 1, timeout=UNANSWERED_SECONDS):
            task.apply_async(kwargs=kwargs, retry=False, ignore_result=True)
    except (RedisError, OperationalError, ConnectionError, OSError) as error:
        log.warning("%s was not announced (%s); the tick will find its row", task.name, error)


def _wake_up_key(name: str) -> str:
    return f"bell:{name}"
