from datetime import date

from django.utils import timezone

from tools.testing.access import EVERYONE, MALFORMED, MISSING, Row, of_board, of_list

OWNERS = {"own": "owner", "archived": "owner", "team": "mate", "other": "stranger", "restricted": "stranger", "any": ""}


def build(scene):
    """One of each for every kind of client, by its account manager."""
    now = timezone.now()
    survey = scene.model("interactions.Survey").objects.create(name="NPS", question="How likely?")
    scene.rows["survey"] = {"any": survey}
    for name in ("interaction", "follow_up", "commitment", "answer"):
        scene.rows[name] = {}
    for kind, client in scene.clients.items():
        by = client.owner
        scene.rows["interaction"][kind] = scene.model("interactions.Interaction").objects.create(
            client=client, author=by, body="Said.", channel="phone", occurred_at=now
        )
        scene.rows["follow_up"][kind] = scene.model("interactions.FollowUp").objects.create(
            client=client, title="Do it", assignee=by, author=by, due_date=date(2026, 1, 1), time_zone="UTC", due_at=now
        )
        scene.rows["commitment"][kind] = scene.model("interactions.Commitment").objects.create(
            client=client, text="We promise", owner=by
        )
        scene.rows["answer"][kind] = scene.model("interactions.SurveyResponse").objects.create(
            survey=survey, client=client, score=9, scale_min=0, scale_max=10, answered_at=now
        )


def corrector(who, kind):
    """The author (here the account manager), managers and admins."""
    return who in ("manager", "admin") or kind in (MISSING, MALFORMED) or OWNERS[kind] == who


def unless_trashed(who, kind):
    return kind != "archived"


def corrector_unless_trashed(who, kind):
    return kind != "archived" and corrector(who, kind)


def of_client(url, **methods):
    return Row(url, about="client", arg="client_id", **methods)


ROWS = [
    Row("interactions:today", get=EVERYONE),
    *of_list("interactions:list", "export"),
    Row("interactions:detail", get=EVERYONE, about="interaction"),
    Row(
        "interactions:fact",
        get=corrector,
        post=corrector,
        about="interaction",
        also={"name": "cf_place"},
        shuts_archived=True,
    ),
    Row("interactions:correct", get=corrector, post=corrector, about="interaction", shuts_archived=True),
    Row("interactions:archive", post=corrector, about="interaction", shuts_archived=True),
    Row("interactions:restore", post=corrector, about="interaction", shuts_archived=True),
    Row("interactions:pin", post=EVERYONE, about="interaction", shuts_archived=True),
    of_client("interactions:log", get=EVERYONE, post=EVERYONE, shuts_archived=True),
    of_client("interactions:draft", post=EVERYONE, shuts_archived=True, data={"body": "Half"}),
    of_client("interactions:draft-discard", post=EVERYONE, shuts_archived=True, data={"body": "Half"}),
    of_client("interactions:draft-undo", post=EVERYONE, shuts_archived=True),
    of_client("interactions:composer-list", get=EVERYONE, also={"part": "participants"}),
    *of_list("interactions:follow-ups", "export", "select"),
    *of_board("interactions:follow-ups", "follow_up", "today"),
    Row("interactions:follow-up", get=EVERYONE, post=unless_trashed, about="follow_up"),
    Row("interactions:follow-up-done", get=EVERYONE, post=EVERYONE, about="follow_up", shuts_archived=True),
    Row("interactions:follow-up-snooze", get=EVERYONE, post=EVERYONE, about="follow_up", shuts_archived=True),
    Row("interactions:follow-up-reassign", get=EVERYONE, post=EVERYONE, about="follow_up", shuts_archived=True),
    Row("interactions:follow-up-reopen", post=EVERYONE, about="follow_up", shuts_archived=True),
    Row("interactions:follow-up-cancel", post=EVERYONE, about="follow_up", shuts_archived=True),
    of_client("interactions:follow-up-create", get=EVERYONE, post=EVERYONE, shuts_archived=True),
    of_client("interactions:agreed", get=EVERYONE),
    of_client("interactions:decision-create", get=EVERYONE, post=EVERYONE, shuts_archived=True),
    of_client("interactions:commitment-create", get=EVERYONE, post=EVERYONE, shuts_archived=True),
    of_client("interactions:cadence", get=EVERYONE, post=EVERYONE, shuts_archived=True),
    Row(
        "interactions:commitment-settle", post=EVERYONE, about="commitment", shuts_archived=True, data={"state": "kept"}
    ),
    Row("interactions:commitment-reopen", post=EVERYONE, about="commitment", shuts_archived=True),
    *of_list("interactions:surveys", "export"),
    of_client("interactions:client-surveys", get=EVERYONE),
    of_client("interactions:answer-create", get=EVERYONE, post=EVERYONE, shuts_archived=True),
    Row("interactions:answer-archive", post=EVERYONE, about="answer", shuts_archived=True),
    Row("interactions:answer-restore", post=EVERYONE, about="answer", shuts_archived=True),
    Row("api:interactions-list", get=EVERYONE, post=EVERYONE),
    Row(
        "api:interactions-detail",
        get=EVERYONE,
        patch=corrector_unless_trashed,
        delete=corrector_unless_trashed,
        about="interaction",
    ),
    Row("api:follow-ups-list", get=EVERYONE, post=EVERYONE),
    Row("api:follow-ups-detail", get=EVERYONE, patch=unless_trashed, delete=unless_trashed, about="follow_up"),
    Row("api:follow-ups-complete", post=EVERYONE, about="follow_up", shuts_archived=True),
    Row("api:follow-ups-reassign", post=EVERYONE, about="follow_up", shuts_archived=True),
    Row("api:follow-ups-snooze", post=EVERYONE, about="follow_up", shuts_archived=True),
    Row("api:follow-ups-reopen", post=EVERYONE, about="follow_up", shuts_archived=True),
    Row("api:commitments-list", get=EVERYONE, post=EVERYONE),
    Row("api:commitments-detail", get=EVERYONE, about="commitment"),
    Row("api:commitments-settle", post=EVERYONE, about="commitment", shuts_archived=True, data={"state": "kept"}),
    Row("api:surveys-list", get=EVERYONE),
    Row("api:surveys-detail", get=EVERYONE, about="survey"),
    Row("api:survey-responses-list", get=EVERYONE, post=EVERYONE),
    Row("api:survey-responses-detail", get=EVERYONE, delete=unless_trashed, about="answer"),
]
