"""Runs the work of workers and beat in one process, without Redis: mail, ticks, and, in a second thread, the jobs they
start, one at a time.
"""

import contextlib
import logging
import signal
import threading
import time
from collections import deque

from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from crm.core.mail.delivery import breaker
from crm.core.mail.delivery.deliverer import deliver_due
from crm.core.mail.models import OutboxMail
from crm.core.mail.services import instance
from crm.core.work import jobs, schedule, stopping

log = logging.getLogger(__name__)
DELIVER_EVERY = 15
TICK_EVERY = 60
LOOK_EVERY = 1  # seconds; costs one index lookup
STRETCH = 5  # seconds of sending between checks for a stop


class Command(BaseCommand):
    help = "Do what is due once (a tick, then all due mail), or with --loop until stopped, as worker and beat would."

    def add_arguments(self, parser):
        parser.add_argument(
            "--loop", action="store_true", help="go on until stopped: a tick every 60 s, mail as soon as it is due"
        )

    def handle(self, *args, loop=False, **options):
        self.rung, self.is_stopping = deque(), False
        jobs.listen(lambda task, kwargs: self.rung.append((task, kwargs)))  # run here, after the current work
        try:
            if loop:
                self._loop()
            else:
                did = schedule.run()
                sent = deliver_due()
                self._answer()
                self.stdout.write(f"tick: {sum(did.values())} done; mail: {sent} sent")
        finally:
            jobs.listen(None)

    def _loop(self):
        """Runs until SIGTERM or Ctrl-C; then it finishes the current mail and starts no other."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        stopping.go_on()
        next_tick = next_delivery = 0.0
        aside: threading.Thread | None = None
        while not self.is_stopping:
            try:
                if time.monotonic() >= next_tick:
                    next_tick = time.monotonic() + TICK_EVERY
                    schedule.run()
                if time.monotonic() >= next_delivery or self._is_due():
                    next_delivery = time.monotonic() + DELIVER_EVERY
                    deliver_due(seconds=STRETCH)
                if self.rung and (aside is None or not aside.is_alive()):
                    aside = threading.Thread(target=self._answer_aside)
                    aside.start()
            except (OperationalError, InterfaceError) as error:
                self.stderr.write(f"The database is away: {str(error).strip()}")
                with contextlib.suppress(OperationalError, InterfaceError):
                    connection.close()
            self._rest()
        if aside is not None:
            aside.join()  # an import returns its lease after the current rows

    def _is_due(self) -> bool:
        """Whether a mail is due and may be sent, and the mail server is not known to be away: no need to wait for the
        next quarter of a minute.
        """
        if breaker.look().is_open or instance.look().is_on:
            return False
        return OutboxMail.objects.due(timezone.now()).exists()

    def _answer(self) -> None:
        """Run the woken tasks; the loop itself runs "deliver"."""
        while self.rung and not self.is_stopping:
            task, kwargs = self.rung.popleft()
            if task.name != "crm.core.tasks.deliver":
                task(**kwargs)

    def _answer_aside(self) -> None:
        """Uses its own database connection, so that neither mail nor the tick waits for an import."""
        try:
            self._answer()
        except (OperationalError, InterfaceError) as error:
            self.stderr.write(f"A job was interrupted: {str(error).strip()}")
        except Exception:
            log.exception("a job failed")
        finally:
            connection.close()

    def _rest(self) -> None:
        until = time.monotonic() + LOOK_EVERY
        while not self.is_stopping and time.monotonic() < until:
            time.sleep(0.1)

    def _stop(self, *_signal) -> None:
        self.is_stopping = True
        stopping.stop()
