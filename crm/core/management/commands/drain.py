"""The work of worker and beat in one process, without Redis: mail, ticks, and the jobs they start."""

import time

from celery import current_app
from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError, connection

from crm.core import ticking
from crm.core.services.delivery import deliver_due

DELIVER_EVERY = 15
TICK_EVERY = 60


class Command(BaseCommand):
    help = "Do what is due once (a tick, then all due mail), or with --loop until stopped, as worker and beat would."

    def add_arguments(self, parser):
        parser.add_argument(
            "--loop", action="store_true", help="go on until stopped: mail every 15 s, a tick every 60 s"
        )

    def handle(self, *args, loop=False, **options):
        current_app.conf.task_always_eager = True  # what is rung is done here and now
        if not loop:
            did = ticking.run()
            sent = deliver_due()
            self.stdout.write(f"tick: {sum(did.values())} done; mail: {sent} sent")
            return
        self._loop()

    def _loop(self):
        next_tick = 0.0
        while True:
            try:
                if time.monotonic() >= next_tick:
                    next_tick = time.monotonic() + TICK_EVERY
                    ticking.run()
                deliver_due()
            except (OperationalError, InterfaceError) as error:
                self.stderr.write(f"The database is away: {str(error).strip()}")
                connection.close()
            time.sleep(DELIVER_EVERY)
