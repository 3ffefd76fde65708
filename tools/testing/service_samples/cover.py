from datetime import date

from tools.testing.samples import Sample, declare

declare(
    "clients.cover.services",
    arrange_cover=Sample(
        lambda own: {
            "absent": own.user("owner"),
            "covering": own.user("mate"),
            "start_date": date(2091, 1, 1),
            "end_date": date(2091, 1, 9),
            "now": own.now,
        },
        refused=lambda own: {
            "absent": own.user("stranger"),
            "covering": own.user("mate"),
            "start_date": date(2091, 1, 1),
            "end_date": date(2091, 1, 9),
            "now": own.now,
        },
    ),
    update_cover=lambda own: {"cover": own.scene.rows["cover"]["any"], "note": "Call first", "now": own.now},
    end_cover=lambda own: {"cover": own.scene.rows["cover"]["any"], "now": own.now},
    resume_cover=lambda own: {"cover": own.changed("cover", ended_at=own.now), "now": own.now},
)
