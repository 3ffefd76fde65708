"""Settings → Data: archives of the firm, each for the admin who made it."""

from django.utils import timezone

from crm.core.base.principals import acting
from crm.core.files.services import store_bytes
from crm.core.work.models import Job
from tools.testing.access import ADMINS, Row


def build(scene):
    admin = scene.users["admin"]
    file = store_bytes(acting(admin), name="firm.zip", data=b"PK", content_type="application/zip")
    made = {"kind": "archive", "user": admin, "title": "Archive", "state": "done", "file": file}
    scene.rows["archive"] = {"any": Job.objects.create(ended_at=timezone.now(), **made)}


ROWS = [
    Row("core:archive", get=ADMINS, post=ADMINS),
    Row("core:archive_make", post=ADMINS),
    Row("core:archive_download", post=ADMINS, about="archive"),
    Row("core:archive_delete", post=ADMINS, about="archive"),
    Row("core:archive_stop", post=ADMINS, about="archive"),
]
