"""What imports read is thrown away some time after they are over: the uploads, and the rows that were kept of slow ones."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, ManyToOneRel, OuterRef, Q, QuerySet
from django.utils import timezone

from crm.core.files.models import StoredFile
from crm.core.files.services import delete_files
from crm.core.importing.readers.keeping import ROWS
from crm.core.importing.receiving import KIND
from crm.core.work.choices import JobState
from crm.core.work.models import Job

KEPT = timedelta(days=30)  # after the end of an import
OVER = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)
UPLOADS = ("text/csv", ROWS)  # how imports keep what they read, whatever the format
BATCH = 500


def sweep_files(today: date, last: date | None) -> int:
    """Daily: forget the files of imports that ended 30 days ago, and those that no import names any more. The report, the failed rows
    and the undo stay. Returns the number of files."""
    before = timezone.now() - KEPT
    Job.objects.filter(kind=KIND, state__in=OVER, ended_at__lt=before).delete()
    for job in Job.objects.filter(_of_imports(), state__in=OVER, ended_at__lt=before).exclude(
        file=None, options__rows=None
    ):
        _let_go(job.pk)
    done = 0
    while found := [*_unnamed(before).values_list("pk", flat=True)[:BATCH]]:
        with transaction.atomic():
            done += delete_files(StoredFile.objects.filter(pk__in=found))
    return done


def _of_imports() -> Q:
    return Q(kind__startswith="import:")


@transaction.atomic
def _let_go(pk: int) -> None:
    job = Job.objects.select_for_update().get(pk=pk)
    if job.state in OVER:
        job.file, job.options = None, job.options | {"rows": None}
        job.save(update_fields=["file", "options"])


def _unnamed(before: Any) -> QuerySet:
    """Uploads of imports that nothing names: no row, and no import that reads them."""
    rows = StoredFile.objects.filter(created_at__lt=before, content_type__in=UPLOADS, client_id=None)
    for relation in StoredFile._meta.get_fields(include_hidden=True):
        if isinstance(relation, ManyToOneRel) and relation.related_model._meta.managed:
            field = relation.field
            rows = rows.exclude(Exists(field.model._base_manager.filter(**{field.name: OuterRef("pk")})))
    return rows.exclude(pk__in={*_in_options()}).order_by("pk")


def _in_options() -> Iterable[int]:
    kept = Job.objects.filter(_of_imports()).exclude(options__rows=None)
    yield from filter(None, kept.values_list("options__rows", flat=True))
    for files in Job.objects.filter(kind=KIND).values_list("options__files", flat=True):
        yield from files or ()
