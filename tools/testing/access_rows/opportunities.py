from datetime import UTC, date, datetime
from decimal import Decimal

from tools.testing.access import ADMINS, EVERYONE, Row, of_list

SINCE = datetime(2026, 11, 1, 9, tzinfo=UTC)


def build(scene):
    pipeline = scene.model("clients.Pipeline").objects.create(name="Sales")
    make = scene.model("clients.Stage").objects.create
    stages = [
        make(pipeline=pipeline, name=name, position=n, probability=25) for n, name in enumerate(("Lead", "Offer"))
    ]
    scene.rows["pipeline"] = {"any": pipeline}
    scene.rows["stage"] = {"any": stages[0]}
    scene.rows["opportunity"] = {
        kind: scene.model("clients.Opportunity").objects.create(
            client=client,
            title=f"More for {kind}",
            pipeline=pipeline,
            stage=stages[0],
            stage_since=SINCE,
            owner=client.owner,
            value=Decimal(1000),
            currency="EUR",
            rate=1,
            probability=25,
            expected_close=date(2027, 1, 15),
            opened_date=date(2026, 11, 1),
        )
        for kind, client in scene.clients.items()
    }
    for row in scene.rows["opportunity"].values():
        scene.model("clients.StageChange").objects.create(opportunity=row, stage=stages[0], entered_at=SINCE)


def of_one(url, **methods):
    return Row(url, about="opportunity", shuts_archived=methods.pop("shuts_archived", True), **methods)


API = {"about": "opportunity", "seen_by": {"archived": ()}}
PIPELINE = {"about": "pipeline", "arg": "pipeline_id"}
STAGE = {"about": "stage", "arg": "stage_id"}
ROWS = [
    *of_list("clients:opportunities", "filters", "export", "select"),
    Row("clients:opportunity_new", get=EVERYONE, post=EVERYONE),
    Row(
        "clients:opportunity_new_for", get=EVERYONE, post=EVERYONE, about="client", arg="client_id", shuts_archived=True
    ),
    Row("clients:opportunity_board", get=EVERYONE),
    Row("clients:opportunity_drop", post=EVERYONE),
    Row("clients:opportunity_cards", get=EVERYONE, **STAGE),
    Row("clients:opportunity_forecast", get=EVERYONE),
    of_one("clients:opportunity", get=EVERYONE, shuts_archived=False),
    of_one("clients:opportunity_edit", get=EVERYONE, post=EVERYONE),
    of_one("clients:opportunity_fact", get=EVERYONE, post=EVERYONE, also={"name": "next_step"}),
    of_one("clients:opportunity_move", get=EVERYONE, post=EVERYONE),
    of_one("clients:opportunity_back", post=EVERYONE),
    of_one("clients:opportunity_won", get=EVERYONE, post=EVERYONE),
    of_one("clients:opportunity_lost", get=EVERYONE, post=EVERYONE),
    of_one("clients:opportunity_reopen", post=EVERYONE),
    of_one("clients:opportunity_archive", post=EVERYONE),
    of_one("clients:opportunity_restore", post=EVERYONE),
    Row("clients:pipelines", get=ADMINS),
    Row("clients:pipeline_new", get=ADMINS, post=ADMINS),
    Row("clients:pipeline", get=ADMINS, post=ADMINS, **PIPELINE),
    Row("clients:pipeline_archive", post=ADMINS, **PIPELINE),
    Row("clients:pipeline_restore", post=ADMINS, **PIPELINE),
    Row("clients:stage_new", get=ADMINS, post=ADMINS, **PIPELINE),
    Row("clients:stage_order", post=ADMINS, **PIPELINE),
    Row("clients:stage", get=ADMINS, post=ADMINS, **STAGE),
    Row("clients:stage_remove", get=ADMINS, post=ADMINS, **STAGE),
    Row("api:opportunities-list", get=EVERYONE, post=EVERYONE),
    Row("api:opportunities-detail", get=EVERYONE, patch=EVERYONE, delete=EVERYONE, **API),
    Row("api:opportunities-restore", post=EVERYONE, **API),
    Row("api:opportunities-stage-history", get=EVERYONE, **API),
    Row("api:opportunities-move", post=EVERYONE, **API),
    Row("api:opportunities-won", post=EVERYONE, **API),
    Row("api:opportunities-lost", post=EVERYONE, **API),
    Row("api:opportunities-reopen", post=EVERYONE, **API),
    Row("api:opportunities-batch", post=EVERYONE),
    Row("api:opportunities-by-external-id", put=EVERYONE, also={"system": "sf", "value": "1"}),
    Row("api:pipelines-list", get=EVERYONE),
    Row("api:pipelines-detail", get=EVERYONE, about="pipeline"),
    Row("api:stages-list", get=EVERYONE),
    Row("api:stages-detail", get=EVERYONE, about="stage"),
]
