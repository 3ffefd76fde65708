from django.utils import timezone

from tools.testing.access import EVERYONE, Row, of_list

RULE = {"match": "all", "rules": [{"field": "status", "op": "is", "values": ["active"]}]}
OWNER = ("owner",)


def build(scene):
    make, owner = scene.model("clients.Segment").objects.create, scene.users["owner"]
    scene.rows["own segment"] = {"any": make(owner=owner, name="My clients", rule=RULE)}
    scene.rows["shared segment"] = {"any": make(owner=owner, name="Our clients", rule=RULE, is_shared=True)}
    scene.rows["deleted segment"] = {
        "any": make(owner=owner, name="Gone", rule=RULE, is_shared=True, archived_at=timezone.now())
    }


OWN = {"about": "own segment", "seen_by": {"any": OWNER}}
SHARED = {"about": "shared segment"}
CHANGERS = ("owner", "admin")
ONE = {"arg": "segment_id"}
ROWS = [
    *of_list("clients:segments"),
    Row("clients:segment_new", get=EVERYONE, post=EVERYONE, data={"name": "New", "do": "show"}),
    Row("clients:segment", get=EVERYONE, **SHARED, **ONE),
    Row("clients:segment-filters", get=EVERYONE, **SHARED, **ONE),
    Row("clients:segment-export", get=EVERYONE, **SHARED, **ONE),
    Row("clients:segment-select", post=EVERYONE, **SHARED, **ONE),
    Row("clients:segment_edit", get=OWNER, post=OWNER, **OWN, **ONE),
    Row("clients:segment_delete", get=CHANGERS, post=CHANGERS, **SHARED, **ONE),
    Row("clients:segment_restore", post=CHANGERS, about="deleted segment", **ONE),
    Row("api:segments-list", get=EVERYONE, post=EVERYONE),
    Row("api:segments-detail", get=OWNER, patch=OWNER, delete=OWNER, **OWN),
    Row("api:segments-changes", get=EVERYONE, **SHARED),
    Row("api:segments-restore", post=CHANGERS, about="deleted segment"),
    Row("api:segments-fields", get=EVERYONE),
    Row("api:segments-count", post=EVERYONE),
]
