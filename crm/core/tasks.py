"""Doorbells of the kernel. Each may ring twice and at once; the second changes nothing."""

from celery import shared_task

from crm.core import jobs, ticking
from crm.core.services import delivery, imports


@shared_task(name="crm.core.tasks.deliver")
def deliver() -> None:
    """Send what is due in the outbox."""
    jobs.heard("crm.core.tasks.deliver")
    delivery.deliver_due()


@shared_task(name="crm.core.tasks.tick")
def tick() -> None:
    """Look at everything that has a time: leases, plans, reminders, jobs."""
    ticking.run()


@shared_task(name="crm.core.tasks.run_job")
def run_job(job_id: int) -> None:
    """Run a queued import, or go on with one whose worker died."""
    imports.run_job(job_id=job_id)
