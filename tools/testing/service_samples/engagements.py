from clients.engagements.services.records import Opened, move_engagement, new_engagement
from crm.core.base.principals import SYSTEM
from tools.testing.samples import Sample, by_admin, declare


def _trashed(own):
    return own.changed("engagement", archived_at=own.now)


def _closing(own):
    return move_engagement(SYSTEM, engagement=own("engagement"), state="closing", now=own.now)


def _opened(own):
    client = own("client")
    return {"rows": [Opened(new_engagement(client, title="Lease", now=own.now))], "now": own.now}


declare(
    "clients.engagements.services.records",
    open_engagements=_opened,
    open_engagement=lambda own: {"client": own("client"), "title": "Sale of the mill", "now": own.now},
    update_engagement=Sample(
        lambda own: {"engagement": own("engagement"), "title": "Sale of the yard"},
        refused=lambda own: {"engagement": _trashed(own), "title": "Sale of the yard"},
    ),
    move_engagement=Sample(
        lambda own: {"engagement": own("engagement"), "state": "closing", "now": own.now},
        refused=lambda own: {"engagement": _trashed(own), "state": "closing", "now": own.now},
    ),
    close_engagement=Sample(
        lambda own: {"engagement": own("engagement"), "now": own.now},
        refused=lambda own: {"engagement": _trashed(own), "now": own.now},
    ),
    undo_engagement_move=Sample(
        lambda own: {"engagement": _closing(own), "seen_version": 2},
        refused=lambda own: {"engagement": _trashed(own), "seen_version": 2},
    ),
    archive_engagement=Sample(
        lambda own: {"engagement": own("engagement"), "now": own.now},
        refused=lambda own: {"engagement": _trashed(own), "now": own.now},
    ),
    restore_engagement=lambda own: {"engagement": _trashed(own)},
    restrict_engagement=lambda own: {"engagement": own("engagement"), "now": own.now},
    unrestrict_engagement=lambda own: {"engagement": own.changed("engagement", is_restricted=True), "now": own.now},
    add_to_team=lambda own: {"engagement": own("engagement"), "user": own.user("mate")},
    remove_from_team=lambda own: {"seat": own("engagement_seat")},
    add_party=lambda own: {"engagement": own("engagement"), "role": "adviser", "outside_name": "Oak Experts"},
    update_party=lambda own: {"party": own("engagement_party"), "note": "Buyer"},
    remove_party=lambda own: {"party": own("engagement_party")},
    reassign_engagements=Sample(lambda own: {"lead": own.user("owner"), "to": own.user("mate")}, by=lambda own: SYSTEM),
)
declare(
    "clients.engagements.services.kinds",
    create_engagement_kind=by_admin(lambda own: {"name": "Litigation"}),
    update_engagement_kind=by_admin(lambda own: {"kind": own("engagement_kind"), "name": "Litigation"}),
    archive_engagement_kind=by_admin(lambda own: {"kind": own("engagement_kind"), "now": own.now}),
    restore_engagement_kind=by_admin(lambda own: {"kind": own.changed("engagement_kind", archived_at=own.now)}),
)
