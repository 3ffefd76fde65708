"""The search for duplicates. It may run twice and at once; the second run does nothing."""

from celery import shared_task
from django.utils import timezone

from clients.duplicates.services import find_duplicates
from crm.core.work import jobs

FIND = "clients.duplicates.tasks.find"


@shared_task(name=FIND)
def find() -> None:
    jobs.woken(FIND)
    find_duplicates(timezone.now())
