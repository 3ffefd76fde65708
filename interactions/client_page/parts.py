"""What a client's page loads from this app together with the client, in one query: open promises and next steps, the latest
survey answers and progress emails, the user's draft. A page that loads the client without them needs a query for each."""

from datetime import date, datetime
from types import SimpleNamespace
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import JSONObject

from crm.core.base.parts import rows_along
from crm.core.drafts.models import Draft
from interactions.agreements.choices import CommitmentState
from interactions.agreements.models import Commitment
from interactions.follow_ups.models import FollowUp
from interactions.log.choices import DRAFT_KIND
from interactions.progress.choices import ProgressState
from interactions.progress.models import ProgressEmail, ProgressSchedule
from interactions.surveys.models import SurveyResponse

PROMISES_AT_MOST = 4
STEPS_AT_MOST = 4
EMAIL_COLUMNS = ("id", "client_id", "state", "week", "send_at", "sent_at", "content")
SCHEDULE_COLUMNS = ("id", "client_id", "is_active", "weekday", "deadline_time", "is_review_needed")
SENT_AT_MOST = 21
ANSWERS_AT_MOST = 21


def annotations(principal) -> dict[str, Any]:
    promises = (
        Commitment.objects.visible_to(principal)
        .filter(client=OuterRef("pk"), state=CommitmentState.OPEN)
        .order_by("due_date", "pk")
    )
    promise = JSONObject(pk="pk", text="text", side="side", due_date="due_date")
    answers = (
        SurveyResponse.objects.visible_to(principal)
        .filter(client=OuterRef("pk"), archived_at=None)
        .order_by("-answered_at", "-id")
    )
    answer = JSONObject(
        pk="pk",
        score="score",
        comment="comment",
        answered_at="answered_at",
        survey="survey__name",
        first_name=F("contact__first_name"),
        last_name=F("contact__last_name"),
    )
    steps = FollowUp.objects.visible_to(principal).filter(client=OuterRef("pk")).open().order_by("due_at", "pk")
    step = JSONObject(pk="pk", title="title", due_at="due_at", assignee_id="assignee_id", assignee="assignee__name")
    emails = ProgressEmail.objects.visible_to(principal).filter(client=OuterRef("pk"))
    sent, coming = emails.filter(state=ProgressState.SENT).order_by("-sent_at"), emails.open().order_by("send_at")
    draft = Draft.objects.filter(user=principal.user, kind=DRAFT_KIND, client_id=OuterRef("pk"), record="")
    return {
        "part_promises": ArraySubquery(promises.values_list(promise)[: PROMISES_AT_MOST + 1]),
        "part_answers": ArraySubquery(answers.values_list(answer)[:ANSWERS_AT_MOST]),
        "part_steps": ArraySubquery(steps.values_list(step)[:STEPS_AT_MOST]),
        "part_schedule": rows_along(
            ProgressSchedule.objects.visible_to(principal).filter(client=OuterRef("pk")), *SCHEDULE_COLUMNS, limit=1
        ),
        "part_coming": rows_along(coming, *EMAIL_COLUMNS, limit=1),
        "part_sent": rows_along(sent, *EMAIL_COLUMNS, limit=SENT_AT_MOST),
        "part_draft": Subquery(draft.values_list(JSONObject(data="data", updated_at="updated_at"))[:1]),
    }


def promises_of(client) -> list[SimpleNamespace]:
    rows = client.part_promises or []
    return [
        SimpleNamespace(**row | {"due_date": row["due_date"] and date.fromisoformat(row["due_date"])}) for row in rows
    ]


def answers_of(client) -> list[SimpleNamespace]:
    return [
        SimpleNamespace(
            pk=row["pk"],
            score=row["score"],
            comment=row["comment"],
            answered_at=datetime.fromisoformat(row["answered_at"]),
            survey=SimpleNamespace(name=row["survey"]),
            contact=SimpleNamespace(name=" ".join(filter(None, (row["first_name"], row["last_name"])))),
        )
        for row in client.part_answers or []
    ]


def steps_of(client) -> list[SimpleNamespace]:
    return [
        SimpleNamespace(
            **row | {"due_at": datetime.fromisoformat(row["due_at"]), "assignee": SimpleNamespace(name=row["assignee"])}
        )
        for row in client.part_steps or []
    ]


def next_step_titles(principal, clients) -> dict[int, str]:
    """{id: title} of the clients' next steps: as loaded with a client's page, all others in one query."""
    ids = {client.facts.next_step_id for client in clients if not hasattr(client, "part_steps")} - {None}
    steps = FollowUp.objects.visible_to(principal).filter(pk__in=ids)
    found = dict(steps.values_list("pk", "title")) if ids else {}
    return found | {
        step["pk"]: step["title"] for client in clients for step in getattr(client, "part_steps", None) or ()
    }


def draft_of(client) -> SimpleNamespace | None:
    row = client.part_draft
    return SimpleNamespace(data=row["data"], updated_at=datetime.fromisoformat(row["updated_at"])) if row else None
