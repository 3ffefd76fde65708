from tools.testing.samples import Sample, declare


def _of_archived(own):
    own.changed("client", archived_at=own.now)
    return {"referral": own("referral")}


declare(
    "clients.referrals.services",
    add_referral=lambda own: {"client": own("client"), "by_source": "Chamber", "now": own.now},
    update_referral=Sample(
        lambda own: {"referral": own("referral"), "note": "At the fair", "now": own.now},
        refused=lambda own: _of_archived(own) | {"note": "At the fair", "now": own.now},
    ),
    archive_referral=Sample(
        lambda own: {"referral": own("referral"), "now": own.now},
        refused=lambda own: _of_archived(own) | {"now": own.now},
    ),
    restore_referral=Sample(
        lambda own: {"referral": own.changed("referral", archived_at=own.now)},
        refused=_of_archived,
    ),
)
declare(
    "interactions.follow_ups.thanks",
    plan_thanks=Sample(
        lambda own: {"referral": own("referral"), "now": own.now},
        refused=lambda own: _of_archived(own) | {"now": own.now},
    ),
)
