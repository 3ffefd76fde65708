"""Importing bytes in a test, as a worker would."""

from crm.core.base.principals import acting
from crm.core.files.services import store_bytes
from crm.core.importing import kinds
from crm.core.importing import services as service
from crm.core.work.models import Job
from tools.testing.factories.clients import NOW


def run(actor, kind, data, *, system="csv", defaults=None, mapping=None):
    """Import bytes as a worker would; gives the finished job."""
    file = store_bytes(acting(actor), name="clients.csv", data=data)
    job = service.create_import(acting(actor), kind=kinds.get(kind), file=file)
    mapping = job.options["mapping"] | (mapping or {})
    job = service.set_options(
        acting(actor), job=job, dialect=job.options["dialect"], mapping=mapping, defaults=defaults or {}, system=system
    )
    service.start_import(acting(actor), job=job, now=NOW)
    service.run_job(job_id=job.pk)
    return Job.objects.get(pk=job.pk)


def counts(job):
    return {name: n for name, n in job.report["counts"].items() if n}
