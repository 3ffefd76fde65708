"""The import wizard and the demo page."""

from django.utils import timezone

from crm.core.base.principals import acting
from crm.core.files.services import store_bytes
from crm.core.importing import kinds
from crm.core.importing.models import SavedMapping
from crm.core.importing.moves import create_move
from crm.core.importing.receiving import read_later
from crm.core.importing.services import create_import
from crm.core.importing.undoing import new_report
from crm.core.work.models import Job
from tools.testing.access import ADMINS, EVERYONE, Row


def build(scene):
    owner = scene.users["owner"]
    file = store_bytes(acting(owner), name="clients.csv", data=b"Id,Name\n1,Alpha\n")
    scene.rows["import"] = {"any": create_import(acting(owner), kind=kinds.get("clients"), file=file)}
    done = create_import(acting(owner), kind=kinds.get("clients"), file=file)
    Job.objects.filter(pk=done.pk).update(state="done", failed_rows=file)
    move = create_move(acting(owner), files=[file])
    scene.rows["move"] = {"any": move}
    scene.rows["file of a move"] = {"any": move.files.get().job}
    saved = SavedMapping.objects.create(kind="clients", name="Agenda", header=["File no", "Party"], created_by=owner)
    scene.rows["saved mapping"] = {"any": saved}
    undone = create_import(acting(owner), kind=kinds.get("clients"), file=file)
    undo = Job.objects.create(
        kind="undo-import", user=owner, title="x", options={"import": undone.pk}, report=new_report()
    )
    Job.objects.filter(pk=undone.pk).update(
        state="done", report={"contexts": ["00000000-0000-0000-0000-000000000000"], "undo": undo.pk}
    )
    scene.rows["import with an undo"] = {"any": undone}
    scene.rows["finished import"] = {"any": done}
    scene.rows["upload being read"] = {"any": read_later(acting(owner), files=[file], now=timezone.now())}


SEEN = {"any": ("owner",)}


def _job_of_move(scene, kind):
    return scene.rows["file of a move"]["any"].pk


ROWS = [
    Row("core:imports", get=EVERYONE),
    Row("core:import_new", get=EVERYONE, post=EVERYONE, data={"kind": "clients"}),
    Row("core:import_reading", get=EVERYONE, about="upload being read", seen_by=SEEN),
    Row("core:import_read_again", post=EVERYONE, about="upload being read", seen_by=SEEN, data={"kind": "clients"}),
    Row("core:import_reading_stop", post=EVERYONE, about="upload being read", seen_by=SEEN),
    Row("core:import_page", get=EVERYONE, about="finished import", seen_by=SEEN),
    Row("core:import_table", get=EVERYONE, post=EVERYONE, about="import", seen_by=SEEN),
    Row("core:import_columns", get=EVERYONE, post=EVERYONE, about="import", seen_by=SEEN),
    Row("core:import_preview", get=EVERYONE, about="import", seen_by=SEEN),
    Row("core:import_start", post=EVERYONE, about="import", seen_by=SEEN),
    Row("core:import_values", post=EVERYONE, about="import", seen_by=SEEN),
    Row("core:import_kind", post=EVERYONE, about="import", seen_by=SEEN),
    Row("core:import_mappings", get=EVERYONE),
    Row("core:import_mapping_forget", post=EVERYONE, about="saved mapping"),
    Row("core:import_move", get=EVERYONE, about="move", seen_by=SEEN),
    Row("core:import_move_add", post=EVERYONE, about="move", seen_by=SEEN),
    Row("core:import_move_check", post=EVERYONE, about="move", seen_by=SEEN),
    Row("core:import_move_start", post=EVERYONE, about="move", seen_by=SEEN),
    Row("core:import_move_pause", post=EVERYONE, about="move", seen_by=SEEN),
    Row("core:import_move_undo", post=EVERYONE, about="move", seen_by=SEEN),
    Row("core:import_move_undo_stop", post=EVERYONE, about="move", seen_by=SEEN),
    Row("core:import_move_words", post=EVERYONE, about="move", seen_by=SEEN),
    Row("core:import_move_zone", post=EVERYONE, about="move", seen_by=SEEN),
    Row("core:import_move_kind", post=EVERYONE, about="move", seen_by=SEEN, also={"job": _job_of_move}),
    Row("core:import_move_leave_out", post=EVERYONE, about="move", seen_by=SEEN, also={"job": _job_of_move}),
    Row("core:import_resume", post=EVERYONE, about="finished import", seen_by=SEEN),
    Row("core:import_again", post=EVERYONE, about="finished import", seen_by=SEEN),
    Row("core:import_discard", post=EVERYONE, about="import", seen_by=SEEN),
    Row("core:import_export", get=EVERYONE, also={"kind": "clients"}),
    Row("core:import_cancel", post=EVERYONE, about="import", seen_by=SEEN),
    Row("core:import_undo", get=EVERYONE, post=EVERYONE, about="finished import", seen_by=SEEN),
    Row("core:import_undo_stop", post=EVERYONE, about="finished import", seen_by=SEEN),
    Row("core:import_failed_rows", get=EVERYONE, about="finished import", seen_by=SEEN),
    Row("demo", get=ADMINS, post=ADMINS, data={"phrase": "no"}),
    Row("api:imports-list", get=EVERYONE, post=EVERYONE),
    Row("api:imports-detail", get=EVERYONE, patch=EVERYONE, delete=EVERYONE, about="import", seen_by=SEEN),
    Row("api:imports-check", post=EVERYONE, about="import", seen_by=SEEN),
    Row("api:imports-start", post=EVERYONE, about="import", seen_by=SEEN),
    Row("api:imports-pause", post=EVERYONE, about="import", seen_by=SEEN),
    Row("api:imports-resume", post=EVERYONE, about="finished import", seen_by=SEEN),
    Row("api:imports-rows", get=EVERYONE, about="import", seen_by=SEEN),
    Row("api:imports-failed-rows", get=EVERYONE, about="finished import", seen_by=SEEN),
    Row("api:imports-undo", get=EVERYONE, post=EVERYONE, about="import with an undo", seen_by=SEEN),
    Row("api:imports-undo-stop", post=EVERYONE, about="import with an undo", seen_by=SEEN),
    Row("api:import-moves-list", get=EVERYONE, post=EVERYONE),
    Row("api:import-moves-detail", get=EVERYONE, about="move", seen_by=SEEN),
    Row("api:import-moves-add-files", post=EVERYONE, about="move", seen_by=SEEN),
    Row("api:import-moves-zone", post=EVERYONE, about="move", seen_by=SEEN),
    Row("api:import-moves-words", post=EVERYONE, about="move", seen_by=SEEN),
    Row("api:import-moves-check", post=EVERYONE, about="move", seen_by=SEEN),
    Row("api:import-moves-start", post=EVERYONE, about="move", seen_by=SEEN),
    Row("api:import-moves-pause", post=EVERYONE, about="move", seen_by=SEEN),
    Row("api:changes-list", get=EVERYONE, query={"resource": "clients"}),
]
