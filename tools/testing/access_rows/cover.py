from datetime import date

from tools.testing.access import EVERYONE, Row, of_list

OWN = ("owner", "mate", "manager", "admin")


def build(scene):
    """The owner is away, long ahead, and their mate covers."""
    scene.rows["cover"] = {
        "any": scene.model("clients.Cover").objects.create(
            absent=scene.users["owner"],
            covering=scene.users["mate"],
            start_date=date(2090, 1, 1),
            end_date=date(2090, 1, 9),
            arranged_by=scene.users["owner"],
        )
    }


def absent(who, kind):
    return who in ("owner", "manager", "admin")


ROWS = [
    *of_list("clients:covers", "filters", "export"),
    Row("clients:cover_new", get=EVERYONE, post=EVERYONE),
    Row("clients:cover", get=absent, post=absent, about="cover", seen_by={"any": OWN}),
    Row("clients:cover_end", post=absent, about="cover", seen_by={"any": OWN}),
    Row("clients:cover_resume", post=absent, about="cover", seen_by={"any": OWN}),
    Row("api:covers-list", get=EVERYONE, post=EVERYONE),
    Row("api:covers-detail", get=EVERYONE, patch=absent, about="cover", seen_by={"any": OWN}),
    Row("api:covers-end", post=absent, about="cover", seen_by={"any": OWN}),
    Row("api:covers-resume", post=absent, about="cover", seen_by={"any": OWN}),
]
