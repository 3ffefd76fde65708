"""Progress emails: pages, the recipient's stop link, the API."""

from datetime import timedelta

from django.utils import timezone

from crm.core.base.secret_links import link_token
from tools.testing.access import EVERYONE, OPEN, Row, of_list

CONTENT = {"summary": "All on track.", "sections": [], "closing": ""}


def build(scene):
    now = timezone.now()
    times = {
        "draft_at": now - timedelta(hours=1),
        "send_at": now + timedelta(hours=20),
        "deadline_at": now + timedelta(hours=23),
    }
    times |= {"expires_at": now + timedelta(hours=29), "covers_from": now - timedelta(days=7), "covers_to": now}
    emails, recipients, decisions = {}, {}, {}
    for kind, client in scene.clients.items():
        emails[kind] = scene.model("interactions.ProgressEmail").objects.create(
            client=client, week="2026-W48", state="draft", time_zone="UTC", subject="Week 48", content=CONTENT, **times
        )
        decisions[kind] = scene.model("interactions.Decision").objects.create(
            client=client, author=scene.users["owner"], text="We go on", decided_date=now.date()
        )
        contact = scene.model("clients.Contact").objects.create(first_name="Elina", last_name="Saari")
        scene.model("clients.Affiliation").objects.create(contact=contact, client=client)
        schedule = scene.model("interactions.ProgressSchedule").objects.create(client=client, time_zone="UTC")
        recipients[kind] = scene.model("interactions.ProgressRecipient").objects.create(
            schedule=schedule, contact=contact, salt="salt", stopped_at=now
        )
    scene.rows["progress email"], scene.rows["progress recipient"] = emails, recipients
    scene.rows["shown decision"] = decisions
    scene.stop_id = recipients["own"].pk
    scene.rows["digest"] = {
        "any": scene.model("interactions.Digest").objects.create(
            user=scene.users["owner"], date=now.date(), hour=8, time_zone="UTC", due_at=now + timedelta(hours=1)
        )
    }


EMAIL = {"about": "progress email"}


def unless_archived(who: str, kind: str) -> bool:
    return kind != "archived"


ROWS = [
    *of_list("interactions:progress-emails", "export"),
    Row("interactions:delivery-board", get=EVERYONE),
    *of_list("interactions:delivery-clients", "export", also={"week": "2026-W48", "state": "all"}),
    Row("interactions:digest", get=EVERYONE, about="digest", seen_by={"any": ("owner",)}),
    Row("interactions:progress", get=EVERYONE, post=unless_archived, **EMAIL),
    Row("interactions:progress_preview", get=EVERYONE, **EMAIL),
    Row("interactions:progress_skip", post=EVERYONE, **EMAIL, shuts_archived=True),
    Row("interactions:progress_unskip", post=EVERYONE, **EMAIL, shuts_archived=True),
    Row("interactions:progress_unapprove", post=EVERYONE, **EMAIL, shuts_archived=True),
    Row("interactions:progress_unsend", post=EVERYONE, **EMAIL, shuts_archived=True),
    Row(
        "interactions:progress_include",
        post=EVERYONE,
        **EMAIL,
        also={"decision_id": lambda scene, kind: getattr(scene.rows["shown decision"].get(kind), "pk", 0)},
        shuts_archived=True,
    ),
    Row("interactions:client_progress", get=EVERYONE, about="client", arg="client_id"),
    Row(
        "interactions:progress_schedule",
        get=EVERYONE,
        post=EVERYONE,
        about="client",
        arg="client_id",
        shuts_archived=True,
    ),
    Row(
        "interactions:progress_resume",
        post=EVERYONE,
        about="progress recipient",
        data={"note": "She asked"},
        shuts_archived=True,
    ),
    Row(
        "interactions:progress_stop",
        get=OPEN,
        post=OPEN,
        also={
            "pk": lambda scene, kind: scene.stop_id,
            "token": lambda scene, kind: link_token("progress-stop", scene.stop_id, "salt"),
        },
    ),
    Row(
        "interactions:progress_stopping",
        get=OPEN,
        post=OPEN,
        also={"pk": lambda scene, kind: scene.stop_id},
        always="missing",
    ),
    Row("api:progress-emails-list", get=EVERYONE),
    Row(
        "api:progress-emails-detail",
        get=EVERYONE,
        patch=EVERYONE,
        **EMAIL,
        data={"subject": "Week 48, again"},
        shuts_archived=True,
    ),
    Row("api:progress-emails-approve", post=EVERYONE, **EMAIL, shuts_archived=True),
    Row("api:progress-emails-skip", post=EVERYONE, **EMAIL, shuts_archived=True),
]
