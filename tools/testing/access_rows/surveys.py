"""Surveys by mail: pages of the firm, the open pages of the asked, the API."""

import uuid
from datetime import timedelta

from django.utils import timezone

from crm.core.base.secret_links import hash_token, link_token
from tools.testing.access import EVERYONE, MALFORMED, MANAGERS, MISSING, OPEN, Row, of_list

OWNERS = {"own": "owner", "archived": "owner", "team": "mate", "other": "stranger", "restricted": "stranger", "any": ""}


def build(scene):
    now = timezone.now()
    survey = scene.model("interactions.Survey").objects.create(name="NPS by mail", question="How likely?")
    scene.rows["survey invitation"] = {}
    for kind, client in scene.clients.items():
        contact = scene.model("clients.Contact").objects.create(first_name="Aino", last_name=kind)
        scene.model("clients.Affiliation").objects.create(contact=contact, client=client)
        scene.model("clients.ContactEmail").objects.create(contact=contact, address=f"aino@{kind}.example")
        scene.rows["survey invitation"][kind] = scene.model("interactions.SurveyInvitation").objects.create(
            survey=survey,
            client=client,
            contact=contact,
            address=f"aino@{kind}.example",
            source="hand",
            period="2026-11-25",
            key=f"survey:{kind}",
            send_at=now + timedelta(hours=1),
            expires_at=now + timedelta(days=21),
            salt="salt",
        )
    own = scene.rows["survey invitation"]["own"]
    scene.asked = scene.model("interactions.SurveyInvitation").objects.create(
        survey=survey,
        client=own.client,
        contact=own.contact,
        address=own.address,
        source="hand",
        period="2026-11-24",
        key="survey:sent",
        send_at=now - timedelta(hours=1),
        sent_at=now,
        expires_at=now + timedelta(days=21),
        salt="salt",
        state="sent",
        token_hash="-",
    )
    scene.asked.token_hash = hash_token(link_token("survey-answer", scene.asked.pk, "salt"))
    scene.asked.save()


def asker(who: str, kind: str) -> bool:
    """The client's account manager, managers and admins."""
    return who in ("manager", "admin") or kind in (MISSING, MALFORMED) or OWNERS[kind] == who


def asker_unless_archived(who: str, kind: str) -> bool:
    return kind != "archived" and asker(who, kind)


def asked(scene, kind):
    return scene.asked.pk


def token(purpose):
    return lambda scene, kind: link_token(purpose, scene.asked.pk, "salt")


# an invitation of an archived client is in no list and has no page
INVITATION = {"about": "survey invitation", "seen_by": {"archived": ()}}

ROWS = [
    Row("interactions:survey-send", get=MANAGERS, post=MANAGERS),
    Row("interactions:survey-settings", get=MANAGERS, post=MANAGERS),
    Row("interactions:survey-mail", get=MANAGERS),
    Row("interactions:survey-test", post=MANAGERS),
    Row("interactions:survey-batch-skip", post=MANAGERS, also={"batch": uuid.UUID(int=1)}),
    Row("interactions:survey-ask", get=asker, post=asker, about="client", arg="client_id", shuts_archived=True),
    *of_list("interactions:survey-invitations", "export"),
    Row("interactions:survey-invitation", get=EVERYONE, post=asker_unless_archived, **INVITATION),
    Row("interactions:survey-invitation-mail", get=EVERYONE, **INVITATION),
    Row("interactions:survey-invitation-skip", post=asker_unless_archived, **INVITATION),
    Row("interactions:survey-invitation-back", post=asker_unless_archived, **INVITATION),
    Row("interactions:survey-invitation-send", post=asker_unless_archived, **INVITATION),
    Row("interactions:survey-answer-link", get=OPEN, also={"pk": asked, "token": token("survey-answer")}),
    Row("interactions:survey-stop-link", get=OPEN, post=OPEN, also={"pk": asked, "token": token("survey-stop")}),
    # without the cookie that the link leaves there is nothing to see
    Row("interactions:survey-answer", get=OPEN, post=OPEN, also={"pk": asked}, always="missing"),
    Row("interactions:survey-stop", get=OPEN, post=OPEN, also={"pk": asked}, always="missing"),
    Row("api:survey-invitations-list", get=EVERYONE),
    Row("api:survey-invitations-detail", get=EVERYONE, **INVITATION),
]
