"""The import wizard and the demo page."""

from crm.core.base.principals import acting
from crm.core.files.services import store_bytes
from crm.core.importing import kinds
from crm.core.importing.services import create_import
from crm.core.work.models import Job
from tools.testing.access import ADMINS, EVERYONE, Row


def build(scene):
    owner = scene.users["owner"]
    file = store_bytes(acting(owner), name="clients.csv", data=b"Id,Name\n1,Alpha\n")
    scene.rows["import"] = {"any": create_import(acting(owner), kind=kinds.get("clients"), file=file)}
    done = create_import(acting(owner), kind=kinds.get("clients"), file=file)
    Job.objects.filter(pk=done.pk).update(state="done", failed_rows=file)
    scene.rows["finished import"] = {"any": done}


SEEN = {"any": ("owner",)}
ROWS = [
    Row("core:imports", get=EVERYONE),
    Row("core:import_new", get=EVERYONE, post=EVERYONE, data={"kind": "clients"}),
    Row("core:import_page", get=EVERYONE, about="finished import", seen_by=SEEN),
    Row("core:import_columns", get=EVERYONE, post=EVERYONE, about="import", seen_by=SEEN),
    Row("core:import_preview", get=EVERYONE, about="import", seen_by=SEEN),
    Row("core:import_start", post=EVERYONE, about="import", seen_by=SEEN),
    Row("core:import_people", post=EVERYONE, about="import", seen_by=SEEN),
    Row("core:import_resume", post=EVERYONE, about="finished import", seen_by=SEEN),
    Row("core:import_discard", post=EVERYONE, about="import", seen_by=SEEN),
    Row("core:import_export", get=EVERYONE, also={"kind": "clients"}),
    Row("core:import_cancel", post=EVERYONE, about="import", seen_by=SEEN),
    Row("core:import_undo", get=EVERYONE, post=EVERYONE, about="finished import", seen_by=SEEN),
    Row("core:import_undo_stop", post=EVERYONE, about="finished import", seen_by=SEEN),
    Row("core:import_failed_rows", get=EVERYONE, about="finished import", seen_by=SEEN),
    Row("demo", get=ADMINS, post=ADMINS, data={"phrase": "no"}),
]
