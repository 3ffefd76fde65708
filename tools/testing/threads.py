"""Concurrency: real threads, each with its own database connection."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection

from crm.core.base.errors import ServiceError


def at_once(do: Callable[[int], Any], times: int = 8) -> list[Any]:
    """The result of `do(number)` in each of several threads, or its ServiceError; any other error is raised here."""
    start, found, wrong = threading.Barrier(times), [], []

    def run(number: int) -> None:
        try:
            start.wait(20)
            found.append(do(number))
        except ServiceError as error:
            found.append(error)
        except Exception as error:
            wrong.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[number]) for number in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if wrong:
        raise wrong[0]
    return found
