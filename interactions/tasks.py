"""Background work of interactions. Each may run twice and at once; the second run changes nothing."""

from celery import shared_task

from crm.core.work import jobs
from interactions.cadence import services as cadence

CONTACT_DUE = "interactions.tasks.refresh_contact_due"


@shared_task(name=CONTACT_DUE)
def refresh_contact_due() -> None:
    """Set the day of the next contact of every client."""
    jobs.woken(CONTACT_DUE)
    cadence.refresh_contact_due()
