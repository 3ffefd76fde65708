"""Progress of a job whose work is one long transaction: saved on a connection of its own, so that others see it and the lease lives."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from django.db import connection

from crm.core.work.leases import still_mine
from crm.core.work.models import Job
from crm.core.work.stopping import is_stopping

EVERY = 1.0  # seconds


class Stopped(Exception):
    """Somebody stopped the job, another worker has it, or this process ends (`is_ours`: then the job is given back)."""

    def __init__(self, *, is_ours: bool):
        super().__init__()
        self.is_ours = is_ours


class Aside:
    """Call it with what is done and how much there is, as often as convenient; raises Stopped."""

    def __init__(self, job: Job, token: uuid.UUID):
        self.job, self.token, self._last = job, token, 0.0

    def __enter__(self) -> "Aside":
        self._thread = ThreadPoolExecutor(max_workers=1)
        return self

    def __exit__(self, *error: object) -> None:
        self._thread.submit(lambda: connection.close()).result()  # that of the thread, looked up there
        self._thread.shutdown()

    def __call__(self, done: int, total: int) -> None:
        if is_stopping():
            raise Stopped(is_ours=True)
        if time.monotonic() - self._last < EVERY:
            return
        saved = self._thread.submit(still_mine, self.job, self.token, done=done, total=total)
        if not saved.result():
            raise Stopped(is_ours=False)
        self._last = time.monotonic()
