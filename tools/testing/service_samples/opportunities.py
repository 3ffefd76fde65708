from datetime import date
from decimal import Decimal

from clients.opportunities.services.records import new_opportunity
from crm.core.base.principals import SYSTEM
from tools.testing.samples import TODAY, Sample, by_admin, declare

CLOSE = {"expected_close": date(2027, 2, 1)}


def _trashed(own):
    return own.changed("opportunity", archived_at=own.now)


def _lost(own):
    return own.changed("opportunity", state="lost", reason="price", closed_at=own.now)


def _other_stage(own):
    return own("pipeline").stages.get(name="Offer")


declare(
    "clients.opportunities.services.records",
    create_opportunity=lambda own: {"client": own("client"), "title": "More", "now": own.now} | CLOSE,
    create_opportunities=lambda own: {
        "rows": [new_opportunity(own("client"), title=title, now=own.now, **CLOSE) for title in ("One", "Two")],
        "now": own.now,
    },
    update_opportunity=Sample(
        lambda own: {"opportunity": own("opportunity"), "now": own.now, "title": "Less"},
        refused=lambda own: {"opportunity": _trashed(own), "now": own.now, "title": "Less"},
    ),
    move_opportunity=Sample(
        lambda own: {"opportunity": own("opportunity"), "stage": _other_stage(own), "now": own.now},
        refused=lambda own: {"opportunity": _trashed(own), "stage": _other_stage(own), "now": own.now},
    ),
    archive_opportunity=Sample(
        lambda own: {"opportunity": own("opportunity"), "now": own.now},
        refused=lambda own: {"opportunity": _trashed(own), "now": own.now},
    ),
    restore_opportunity=lambda own: {"opportunity": _trashed(own)},
    reassign_opportunities=Sample(
        lambda own: {"owner": own.user("owner"), "to": own.user("mate")}, by=lambda own: SYSTEM
    ),
)
declare(
    "clients.opportunities.services.outcomes",
    win_opportunity=lambda own: {
        "opportunity": own("opportunity"),
        "now": own.now,
        "with_contract": "new",
        "service": own("service"),
        "value": Decimal(500),
    },
    lose_opportunity=lambda own: {"opportunity": own("opportunity"), "reason": "price", "now": own.now},
    reopen_opportunity=lambda own: {"opportunity": _lost(own), "now": own.now},
)


def _due(own):
    contract = own("contract")
    type(contract).objects.filter(pk=contract.pk).update(renewal_date=date(2026, 12, 15))
    return {"today": TODAY, "now": own.now}


declare(
    "clients.opportunities.services.renewals",
    update_renewals=Sample(_due, by=lambda own: SYSTEM),
    open_renewals=Sample(_due, by=lambda own: SYSTEM),
)


def _spare(own):
    own.make("clients.Pipeline", name="Partners", position=1)
    return own("pipeline")


def _no_pipeline(own):
    own.changed("pipeline", archived_at=own.now)
    return {}


STAGE = {"name": "Pitch", "probability": 40}
declare(
    "clients.opportunities.services.pipelines",
    begin_pipelines=Sample(_no_pipeline, by=lambda own: SYSTEM),
    create_pipeline=by_admin(lambda own: {"name": "Partners"}),
    update_pipeline=by_admin(lambda own: {"pipeline": own("pipeline"), "name": "Partners"}),
    archive_pipeline=by_admin(lambda own: {"pipeline": _spare(own), "now": own.now}),
    restore_pipeline=by_admin(lambda own: {"pipeline": own.changed("pipeline", archived_at=own.now)}),
    create_stage=by_admin(lambda own: {"pipeline": own("pipeline")} | STAGE),
    update_stage=by_admin(lambda own: {"stage": own("stage")} | STAGE),
    order_stages=by_admin(lambda own: {"pipeline": own("pipeline"), "ids": [_other_stage(own).pk, own("stage").pk]}),
    remove_stage=by_admin(lambda own: {"stage": own("stage"), "to": _other_stage(own), "now": own.now}),
)
