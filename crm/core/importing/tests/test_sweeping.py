"""Files of imports go some time after their import; what is named stays."""

import pytest
from django.core.files.storage import default_storage
from django.urls import reverse
from django.utils import timezone

from crm.core.base.principals import acting
from crm.core.files.models import StoredFile
from crm.core.files.services import store_bytes
from crm.core.importing.readers.keeping import ROWS
from crm.core.importing.sweeping import KEPT, sweep_files
from crm.core.work.models import Job
from tools.testing.factories.clients import make_user
from tools.testing.importing import prepare, run

pytestmark = pytest.mark.django_db
CSV = b"Id,Company,City\n1,Alder,Oslo\n2,,\n"


@pytest.fixture
def ines():
    return make_user(name="Ines Berg", roles=("manager",))


def old(*files):
    StoredFile.objects.filter(pk__in=[file.pk for file in files]).update(created_at=timezone.now() - 2 * KEPT)


def swept():
    return sweep_files(timezone.localdate(), None)


def test_files_of_an_old_import_are_deleted(ines, client, django_capture_on_commit_callbacks):
    job = run(ines, "clients", CSV)
    kept = store_bytes(acting(ines), name="rows", data=b"[]\n", content_type=ROWS)
    Job.objects.filter(pk=job.pk).update(ended_at=timezone.now() - 2 * KEPT, options=job.options | {"rows": kept.pk})
    old(job.file, kept, job.failed_rows)
    path = job.file.path
    with django_capture_on_commit_callbacks(execute=True):
        assert swept() == 2
    assert not default_storage.exists(path)
    job.refresh_from_db()
    assert job.file is None and job.options["rows"] is None and job.failed_rows is not None
    client.force_login(ines)
    assert client.get(reverse("core:import_page", args=[job.pk])).status_code == 200
    assert job.title.encode() in client.get(reverse("core:imports")).content
    assert client.get(reverse("core:import_failed_rows", args=[job.pk])).status_code == 200
    assert swept() == 0


def test_what_is_new_or_read_stays(ines):
    waiting = prepare(ines, "clients", CSV)
    kept = store_bytes(acting(ines), name="rows", data=b"[]\n", content_type=ROWS)
    Job.objects.filter(pk=waiting.pk).update(options=waiting.options | {"rows": kept.pk})
    done = run(ines, "clients", CSV)
    document = store_bytes(acting(ines), name="a.pdf", data=b"%PDF", content_type="application/pdf")
    old(waiting.file, kept, document)
    assert swept() == 0
    done.refresh_from_db()
    assert done.file is not None


def test_what_no_import_names_goes(ines):
    left = store_bytes(acting(ines), name="discarded.csv", data=CSV)
    young = store_bytes(acting(ines), name="now.csv", data=CSV)
    old(left)
    assert swept() == 1
    assert [*StoredFile.objects.values_list("pk", flat=True)] == [young.pk]
