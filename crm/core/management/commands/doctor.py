"""Health checks in plain words, with an exit code."""

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from crm.core.status import health

ADVICE = {
    "database": "PostgreSQL does not answer. Look at DATABASE_URL, and whether it runs.",
    "migrations": "Run: manage.py migrate",
    "write": "The database takes no writes. Look at its disk, and whether it is a read-only copy.",
    "space": "Free some space on the disk of the data folder, or move the folder to another disk.",
    "settings": "Change it, and start web and workers again.",
    "hold": "Decide under Outbox, Holds. Until then nothing is sent from here.",
    "questions": "Answer under Outbox, Holds.",
    "jobs": "Start a worker for imports (queue celery), or manage.py drain --loop.",
    "broker": "Redis does not answer. Look at REDIS_URL; until it is back, manage.py drain --loop does the work.",
    "virus scanner": "Look at CLAMD_URL, and whether clamd runs and may be reached.",
    "outbox": "Mails are not leaving. Look whether the worker for mail runs, and at the lines below.",
    "tick": "Start the worker and beat, or manage.py drain --loop.",
    "mail server": "Look at EMAIL_URL and at the mail server. Mails wait meanwhile; none is lost.",
    "needs a decision": "Nobody knows whether they arrived. Decide under Outbox, Needs a decision.",
    "failed in 24 hours": "The server refused them, or they were tried in vain. See Outbox, Failed.",
    "background work": "It is tried again every minute. The log of the worker says more.",
}


class Command(BaseCommand):
    help = "Look at database, migrations, broker, outbox and background work. Exit code 1 when something is wrong."

    def handle(self, *args, **options):
        findings = health.look(timezone.now())
        width = max(len(finding.name) for finding in findings)
        for finding in findings:
            mark = self.style.SUCCESS("ok     ") if finding.is_good else self.style.ERROR("trouble")
            said = "" if finding.text == "ok" else finding.text
            self.stdout.write(f"{mark}  {finding.name:<{width}}  {said}".rstrip())
            if not finding.is_good and finding.name in ADVICE:
                self.stdout.write(f"{'':<{width + 11}}{ADVICE[finding.name]}")
        wrong = sum(not finding.is_good for finding in findings)
        if wrong:
            raise CommandError(f"{wrong} of {len(findings)} are not as they should be.", returncode=1)
        self.stdout.write("All is well.")
