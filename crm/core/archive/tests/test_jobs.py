"""Archives as jobs: made, told, downloaded, deleted; restored by the page."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from io import BytesIO

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from crm.core.archive import aside, restoring, running, services, telling
from crm.core.archive.reading import Archive
from crm.core.archive.restoring import restore
from crm.core.base.errors import ServiceError
from crm.core.base.principals import acting
from crm.core.files.models import StoredFile
from crm.core.firm.models import FirmSettings
from crm.core.notifications.models import Notification
from crm.core.users.models import Team, User
from crm.core.work.models import Job
from tools.testing.archives import archive_of_the_firm
from tools.testing.factories.core import make_firm, make_person

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "core:archive"


@pytest.fixture(autouse=True)
def every_step_is_saved(monkeypatch):
    """Where the work held what the saving needs, they would wait for each other for ever."""
    monkeypatch.setattr(aside, "EVERY", 0)


@pytest.fixture
def ines():
    make_firm()
    return make_person(name="Ines Vaara", roles=["admin"])


@pytest.fixture
def aino(ines):
    return make_person(name="Aino Admin", roles=["admin"])


def made(client, user):
    client.force_login(user)
    client.post(reverse("core:archive_make"))
    job = Job.objects.get(kind=telling.MAKE)
    assert running.make_job(job_id=job.pk) == "done"
    return Job.objects.get(pk=job.pk)


def test_it_is_made_and_downloaded_and_the_other_admins_know(client, ines, aino):
    job = made(client, ines)
    page = client.get(reverse(PAGE)).content.decode()
    assert job.file.name in page
    answer = client.post(reverse("core:archive_download", args=[job.pk]))
    assert Archive(BytesIO(b"".join(answer.streaming_content))).manifest["made_by"] == ines.email
    assert len(Job.objects.get(pk=job.pk).report["downloads"]) == 1
    told = Notification.objects.filter(user=aino).order_by("pk").values_list("text", flat=True)
    assert [*told] == ["Ines Vaara made an archive of the firm", "Ines Vaara downloaded an archive of the firm"]
    assert Notification.objects.get(user=ines).text == "Your archive is ready"


def test_another_admin_does_not_have_it(client, ines, aino):
    job = made(client, ines)
    client.force_login(aino)
    assert job.file.name not in client.get(reverse(PAGE)).content.decode()
    for name in ("download", "delete", "stop"):
        assert client.post(reverse(f"core:archive_{name}", args=[job.pk])).status_code == 404
    assert Job.objects.get(pk=job.pk).file_id


def test_it_is_deleted_by_hand_and_by_time(client, ines):
    job = made(client, ines)
    path = job.file.path
    now = timezone.now()
    assert services.expire_archives(now + services.KEPT - timedelta(minutes=5)) == 0
    assert services.expire_archives(now + services.KEPT + timedelta(minutes=5)) == 1
    assert not default_storage.exists(path)
    assert not StoredFile.objects.exists()
    assert "expired" in client.get(reverse(PAGE)).content.decode()
    answer = client.post(reverse("core:archive_download", args=[job.pk]), follow=True)
    assert "Make a new one" in answer.content.decode()
    client.post(reverse("core:archive_delete", args=[job.pk]))
    assert Job.objects.get(pk=job.pk).report["is_deleted"]


def test_one_at_a_time_and_stopped(client, ines):
    services.make_archive(acting(ines), now=timezone.now())
    with pytest.raises(ServiceError, match="already"):
        services.make_archive(acting(ines), now=timezone.now())
    job = Job.objects.get()
    client.force_login(ines)
    client.post(reverse("core:archive_stop", args=[job.pk]))
    assert running.make_job(job_id=job.pk) == "cancelled"
    assert not StoredFile.objects.exists()


def test_who_is_no_admin_any_more_gets_none(ines):
    job = services.make_archive(acting(ines), now=timezone.now())
    User.objects.update(roles=["manager"])
    assert running.make_job(job_id=job.pk) == "failed"
    assert Job.objects.get().error == "Only an admin may do this."


def upload(client, file):
    return client.post(reverse(PAGE), {"file": file})


def test_the_page_restores_into_an_empty_firm_only(client, ines):
    Team.objects.create(name="North")
    file = archive_of_the_firm(timezone.now())
    data = file.read()
    client.force_login(ines)
    assert upload(client, archive_of_the_firm(timezone.now())).status_code == 302
    same = Job.objects.get()
    assert running.restore_job(job_id=same.pk) == "done"
    assert Job.objects.get().report["is_same"]
    assert "Nothing was done" in client.get(reverse(PAGE)).content.decode()

    Team.objects.update(name="South")
    file.seek(0)
    upload(client, file)
    job = Job.objects.latest("pk")
    assert running.restore_job(job_id=job.pk) == "failed"
    assert "data of its own" in client.get(reverse(PAGE)).content.decode()
    assert Team.objects.get().name == "South"
    assert not StoredFile.objects.exists()

    Team.objects.all().delete()
    FirmSettings.objects.update(name="Empty")
    file = archive_of_the_firm(timezone.now())
    file.file = BytesIO(data)
    file.size = len(data)
    assert "Restore" in client.get(reverse(PAGE)).content.decode()
    upload(client, file)
    job = Job.objects.latest("pk")
    assert running.restore_job(job_id=job.pk) == "done"
    assert Team.objects.get().name == "North"
    assert FirmSettings.objects.get().name != "Empty"
    job.refresh_from_db()
    assert job.user.email == ines.email
    assert Notification.objects.get(key=f"archive:{job.pk}").text == "The archive was restored"
    assert job.report["rows"] > 0
    assert not StoredFile.objects.exists()


def test_what_is_no_archive_is_refused_beside_the_field(client, ines):
    client.force_login(ines)
    answer = upload(client, BytesIO(b"Id,Name\n"))
    assert answer.status_code == 422
    assert "no archive of a firm" in answer.content.decode()
    assert not Job.objects.exists()


@pytest.mark.parametrize("after", ["the tables", "a table"])
def test_a_stopped_restoring_leaves_nothing(client, ines, after):
    Team.objects.create(name="North")
    file = archive_of_the_firm(timezone.now())
    Team.objects.all().delete()
    client.force_login(ines)
    upload(client, file)
    job = Job.objects.get()

    def stopped(done, total):
        if after == "a table" and done > total / 2 + 3:
            raise aside.Stopped(is_ours=False)

    if after == "the tables":
        services.stop_archive(acting(ines), job=job, now=timezone.now())
    with pytest.raises(aside.Stopped), file.open("rb") as opened:
        restore(Archive(opened), finish=partial(running._finish, job.pk), progress=stopped)
    assert not Team.objects.exists()
    assert User.objects.get().email == ines.email


def test_a_restoring_is_stopped_while_it_runs(client, ines, monkeypatch):
    Team.objects.create(name="North")
    file = archive_of_the_firm(timezone.now())
    Team.objects.all().delete()
    client.force_login(ines)
    upload(client, file)
    job = Job.objects.get()
    assert job.file_id
    told, copied = [], restoring.copy_in

    def stop():
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '5s'")
        try:
            services.stop_archive(acting(ines), job=job, now=timezone.now())
        finally:
            connection.close()

    def copy(table, *rest):  # the people of the firm and the upload have other ids by now
        if not told:
            told.append(thread.submit(stop).exception())
        return copied(table, *rest)

    monkeypatch.setattr(restoring, "copy_in", copy)
    with ThreadPoolExecutor(max_workers=1) as thread:
        assert running.restore_job(job_id=job.pk) == "cancelled"
    assert told == [None]
    assert not Team.objects.exists()
    assert User.objects.get().email == ines.email
    assert not StoredFile.objects.exists()


def test_the_upload_of_a_stopped_restoring_whose_worker_died_is_deleted(client, ines):
    client.force_login(ines)
    upload(client, archive_of_the_firm(timezone.now()))
    Job.objects.update(state="running")
    now = timezone.now()
    services.stop_archive(acting(ines), job=Job.objects.get(), now=now)
    assert StoredFile.objects.exists()
    assert services.expire_archives(now + services.LEFT + timedelta(minutes=1)) == 1
    assert not StoredFile.objects.exists()
