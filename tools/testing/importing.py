"""Importing bytes in a test, as a worker would."""

import csv
import io

from crm.core.base.principals import acting
from crm.core.files.services import store_bytes
from crm.core.importing import kinds, running
from crm.core.importing import services as service
from crm.core.work.models import Job
from tools.testing.factories.clients import NOW


def prepare(actor, kind, data, *, system="csv", defaults=None, mapping=None, people=None, name="clients.csv", table=""):
    """A job with its columns chosen."""
    file = store_bytes(acting(actor), name=name, data=data)
    job = service.create_import(acting(actor), kind=kinds.get(kind), file=file, table=table)
    return service.set_options(
        acting(actor),
        job=job,
        dialect=job.options["dialect"],
        mapping=job.options["mapping"] | (mapping or {}),
        defaults=job.options["defaults"] | (defaults or {}),
        system=system or job.options["system"],
        values={"people": people or {}},
    )


def run(actor, kind, data, *, questions=service.CONFIRMED, **given):
    """Import bytes as a worker would; gives the finished job."""
    job = prepare(actor, kind, data, **given)
    service.start_import(acting(actor), job=job, now=NOW, questions=questions)
    running.run_job(job_id=job.pk)
    return Job.objects.get(pk=job.pk)


def counts(job):
    return {name: n for name, n in job.report["counts"].items() if n}


def remarks(job):
    """[(line, texts)] of rows that are imported with a remark."""
    return [(row["number"], row["texts"]) for row in job.report["rows"]["remarks"]]


def as_csv(rows):
    """Head and rows of an export as the text of a file."""
    made = io.StringIO()
    csv.writer(made).writerows(rows)
    return made.getvalue()
