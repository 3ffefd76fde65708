"""Ringing the doorbell: start background work by name, after the transaction has committed.

A message says only "look". If Redis is away the row that says what is due is still there, and the tick finds it.
A bell without arguments that nobody has heard yet is not rung again, so ten thousand mails do not ring ten thousand times.
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
UNHEARD_SECONDS = 15  # a bell that was lost is rung again after this
_listener: Callable[[Any, dict[str, Any]], None] | None = None


def listen(listener: Callable[[Any, dict[str, Any]], None] | None) -> None:
    """What this process rings goes to `listener(task, kwargs)` and to no broker: `manage.py drain` is its own worker."""
    global _listener
    _listener = listener


def enqueue(path: str, **kwargs) -> None:
    """Start the Celery task at the dotted `path` on commit. The name is resolved at once, so a wrong one fails loudly."""
    task = import_string(path)
    transaction.on_commit(lambda: _ring(task, kwargs))


def heard(name: str) -> None:
    """Called first by a task without arguments: what is rung from now on has to be looked at anew."""
    with contextlib.suppress(RedisError, OSError):
        cache.delete(_bell(name))


def _ring(task, kwargs) -> None:
    if _listener is not None:
        _listener(task, kwargs)
        return
    try:
        if kwargs or cache.add(_bell(task.name), 1, timeout=UNHEARD_SECONDS):
            task.apply_async(kwargs=kwargs, retry=False, ignore_result=True)
    except (RedisError, OperationalError, ConnectionError, OSError) as error:
        log.warning("%s was not announced (%s); the tick will find its row", task.name, error)


def _bell(name: str) -> str:
    return f"bell:{name}"
