"""Background tasks of the kernel. Each may run twice and concurrently; the second run changes nothing."""

from celery import shared_task
from django.utils import timezone

from crm.core.base.principals import SYSTEM
from crm.core.importing import continuing
from crm.core.mail.delivery.deliverer import deliver_due
from crm.core.work import jobs, leases, schedule


@shared_task(name="crm.core.tasks.deliver")
def deliver() -> None:
    """Send what is due in the outbox."""
    jobs.woken("crm.core.tasks.deliver")
    deliver_due()


@shared_task(name="crm.core.tasks.tick")
def tick() -> None:
    """Run all periodic work: leases, plans, reminders, jobs."""
    schedule.run()


@shared_task(name="crm.core.tasks.run_job")
def run_job(job_id: int) -> None:
    """Do a queued job, or go on with one whose worker died."""
    leases.run_job(job_id=job_id)


@shared_task(name="crm.core.tasks.continue_move")
def continue_move(move_id: int) -> None:
    """Start the next import or undo of a move, once the one before it has ended."""
    continuing.continue_move(SYSTEM, move_id=move_id, now=timezone.now())
