"""manage.py undo_import IMPORT --owner EMAIL"""

import time

from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from crm.core.base.errors import ServiceError
from crm.core.base.principals import acting
from crm.core.importing import undoing
from crm.core.users.models import User
from crm.core.work.choices import JobState
from crm.core.work.models import Job


class Command(BaseCommand):
    help = "Undo an import, as the button on its page does. Says what was left and why."

    def add_arguments(self, parser):
        parser.add_argument("job", type=int, help="the number of the import, as in the address of its page")
        parser.add_argument("--owner", required=True, metavar="EMAIL", help="who imported the file")

    def handle(self, *args, **options):
        user = User.objects.active().filter(email__iexact=options["owner"]).first()
        job = Job.objects.filter(pk=options["job"], kind__startswith="import:").first()
        if user is None or job is None:
            raise CommandError(f"There is no import {options['job']} of {options['owner']}.")
        try:
            undo = undoing.undo_import(acting(user), job=job, now=timezone.now())
        except (ServiceError, PermissionDenied) as error:
            raise CommandError(str(error) or f"{user.email} may not undo it.") from error
        # a worker may have heard the bell first: then its run is waited for, and taken over if it dies
        while (state := undoing.run_job(job_id=undo.pk)) in (JobState.QUEUED, JobState.RUNNING):
            time.sleep(0.5)
        undo.refresh_from_db()
        if state != JobState.DONE:
            raise CommandError(undo.error or f"The undo is {undo.get_state_display()}.")
        for label, pk, why in undo.report["left"][:50]:
            model = apps.get_model(label)
            self.stdout.write(f"{model._meta.verbose_name} {pk}: {why}")
        self.stdout.write(", ".join(f"{undo.report['counts'][name]} {name}" for name in undoing.COUNTS))
