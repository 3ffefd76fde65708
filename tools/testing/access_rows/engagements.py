from datetime import UTC, date, datetime

from tools.testing.access import ADMINS, EVERYONE, Row, of_list

SINCE = datetime(2026, 11, 1, 9, tzinfo=UTC)


def build(scene):
    """One for each client, led by its owner; `barrier` is restricted, of a client that everyone in the team sees: its lead alone sees it."""
    kind = scene.model("clients.EngagementKind").objects.create(name="Advice")
    scene.rows["engagement_kind"] = {"any": kind}
    made = {key: _make(scene, client, f"2026-000{n}") for n, (key, client) in enumerate(scene.clients.items(), start=1)}
    made["barrier"] = _make(scene, scene.clients["own"], "2026-0090", is_restricted=True)
    scene.rows["engagement"] = made
    seats, parties = scene.model("clients.EngagementTeam").objects, scene.model("clients.EngagementParty").objects
    scene.rows["engagement_seat"] = {
        key: seats.create(engagement=row, user=scene.users["gone"]) for key, row in made.items()
    }
    scene.rows["engagement_party"] = {
        key: parties.create(engagement=row, role="other_side", outside_name="Pine Holding") for key, row in made.items()
    }


def _make(scene, client, number, **more):
    row = scene.model("clients.Engagement").objects.create(
        client=client,
        number=number,
        title=f"Work for {client.name}",
        state="open",
        lead=client.owner,
        opened_date=date(2026, 11, 1),
        currency="EUR",
        **more,
    )
    scene.model("clients.EngagementStateChange").objects.create(engagement=row, state="open", entered_at=SINCE)
    return row


SEEN_BY = {"barrier": ("owner",)}


def of_one(url, about="engagement", **methods):
    shuts = methods.pop("shuts_archived", True)
    return Row(url, about=about, shuts_archived=shuts, seen_by=SEEN_BY | methods.pop("seen_by", {}), **methods)


def _of(kind_of_row):
    """The number of the engagement in an address about one of its rows."""
    return lambda scene, kind: scene.rows["engagement"].get(kind, scene.rows["engagement"]["own"]).pk


def answers_for(who, kind):
    return who in ("manager", "admin") or (who, kind) in {
        ("owner", "own"),
        ("owner", "archived"),
        ("owner", "barrier"),
        ("mate", "team"),
        ("stranger", "other"),
        ("stranger", "restricted"),
    }


API = {"about": "engagement", "seen_by": SEEN_BY | {"archived": ()}}
KIND = {"about": "engagement_kind", "arg": "kind_id"}
SEAT = {"about": "engagement_seat", "arg": "seat_id", "also": {"pk": _of("engagement_seat")}}
PARTY = {"about": "engagement_party", "arg": "party_id", "also": {"pk": _of("engagement_party")}}
ROWS = [
    *of_list("clients:engagements", "filters", "export", "select"),
    Row("clients:engagements-cards", get=EVERYONE, query={"column": "open"}),
    Row("clients:engagements-drop", post=EVERYONE),
    of_one("clients:engagements-move", get=EVERYONE, post=EVERYONE, arg="card"),
    Row("clients:engagement_new", get=EVERYONE, post=EVERYONE),
    Row("clients:engagement_options", get=EVERYONE),
    Row(
        "clients:engagement_new_for", get=EVERYONE, post=EVERYONE, about="client", arg="client_id", shuts_archived=True
    ),
    of_one("clients:engagement", get=EVERYONE, shuts_archived=False),
    of_one("clients:engagement_tab", get=EVERYONE, shuts_archived=False, also={"key": "finance"}),
    of_one("clients:engagement_edit", get=EVERYONE, post=EVERYONE),
    of_one("clients:engagement_fact", get=EVERYONE, post=EVERYONE, also={"name": "cf_place"}),
    of_one("clients:engagement_move", post=EVERYONE, also={"state": "closing"}),
    of_one("clients:engagement_move_undo", post=EVERYONE, also={"version": 1}),
    of_one("clients:engagement_close", get=EVERYONE, post=EVERYONE),
    of_one("clients:engagement_archive", post=EVERYONE),
    of_one("clients:engagement_restore", post=EVERYONE),
    of_one("clients:engagement_restrict", post=answers_for),
    # admins find restricted ones by name alone, under Restricted clients, and may lift the restriction
    of_one("clients:engagement_lift", post=answers_for, shuts_archived=False, seen_by={"barrier": ("owner", "admin")}),
    of_one("clients:engagement_seat_new", get=EVERYONE, post=EVERYONE),
    of_one("clients:engagement_seat_remove", post=EVERYONE, **SEAT),
    of_one("clients:engagement_party_new", get=EVERYONE, post=EVERYONE),
    of_one("clients:engagement_party", get=EVERYONE, post=EVERYONE, **PARTY),
    of_one("clients:engagement_party_remove", post=EVERYONE, **PARTY),
    Row("clients:engagement_kinds", get=ADMINS),
    Row("clients:engagement_kind_new", get=ADMINS, post=ADMINS),
    Row("clients:engagement_kind", get=ADMINS, post=ADMINS, **KIND),
    Row("clients:engagement_kind_archive", post=ADMINS, **KIND),
    Row("clients:engagement_kind_restore", post=ADMINS, **KIND),
    Row("api:engagements-list", get=EVERYONE, post=EVERYONE),
    Row("api:engagements-detail", get=EVERYONE, patch=EVERYONE, delete=EVERYONE, **API),
    Row("api:engagements-restore", post=EVERYONE, **API),
    Row("api:engagements-move", post=EVERYONE, **API),
    Row("api:engagements-close", post=EVERYONE, **API),
    Row("api:engagements-restrict", post=answers_for, **API),
    Row("api:engagements-lift", post=answers_for, **API),
    Row("api:engagements-team", post=EVERYONE, **API),
    Row("api:engagements-team-remove", post=EVERYONE, **API),
    Row("api:engagements-parties", get=EVERYONE, post=EVERYONE, **API),
    Row(
        "api:engagements-party",
        delete=EVERYONE,
        about="engagement_party",
        arg="party_id",
        also={"pk": _of("engagement_party")},
        seen_by=SEEN_BY | {"archived": ()},
    ),
    Row("api:engagements-state-history", get=EVERYONE, **API),
    Row("api:engagements-batch", post=EVERYONE),
    Row("api:engagements-by-external-id", put=EVERYONE, also={"system": "sf", "value": "1"}),
    Row("api:engagement-kinds-list", get=EVERYONE),
    Row("api:engagement-kinds-detail", get=EVERYONE, about="engagement_kind"),
]
