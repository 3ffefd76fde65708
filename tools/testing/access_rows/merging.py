"""Merges: both records are seen; who may reassign both clients may merge and undo."""

import uuid

from django.utils import timezone

from tools.testing.access import EVERYONE, Row, of_list
from tools.testing.access_rows.clients import keeper


def build(scene):
    """For each kind of client something that was merged into it, and into a contact of it."""
    scene.rows["client merge"], scene.rows["contact merge"] = {}, {}
    told = {"at": timezone.now(), "by": scene.users["admin"], "context": uuid.UUID(int=1)}
    for kind, client in scene.clients.items():
        names = ("owner", "team", "is_restricted")
        away = scene.model("clients.Client").objects.create(
            name=f"Merged {kind}", archived_at=timezone.now(), **{name: getattr(client, name) for name in names}
        )
        scene.model("clients.ClientFacts").objects.create(client=away)
        scene.rows["client merge"][kind] = scene.model("clients.ClientMerge").objects.create(
            kept=client, away=away, **told
        )
        contact = scene.model("clients.Contact").objects.create(
            first_name="Merged", last_name=kind, created_by=client.owner, archived_at=timezone.now()
        )
        scene.model("clients.Affiliation").objects.create(client=client, contact=contact)
        scene.rows["contact merge"][kind] = scene.model("clients.ContactMerge").objects.create(
            kept=scene.rows["contact"][kind], away=contact, **told
        )


def other(what):
    """A second client, or contact, of the same kind."""
    return lambda scene, kind: scene.rows[f"{what} pair"][kind].second.pk if kind in scene.clients else 1


def not_archived(who, kind):
    """The second contact of an archived client is archived itself."""
    return kind != "archived"


def told(what):
    return lambda scene, kind: {"away": other(what)(scene, kind)}


ROWS = [
    *of_list("clients:merges", "filters", "export"),
    *of_list("clients:contact_merges", "filters", "export"),
    Row("clients:merge", get=EVERYONE, post=EVERYONE, about="client", shuts_archived=True),
    Row("clients:merge_contact", get=EVERYONE, post=EVERYONE, about="contact"),
    Row(
        "clients:merge_with",
        get=keeper,
        post=keeper,
        about="client",
        also={"away_id": other("client")},
        shuts_archived=True,
    ),
    Row(
        "clients:merge_contact_with",
        get=not_archived,
        post=not_archived,
        about="contact",
        also={"away_id": other("contact")},
    ),
    Row("clients:merge_page", get=EVERYONE, about="client merge"),
    Row("clients:contact_merge_page", get=EVERYONE, about="contact merge"),
    Row("clients:undo_merge", post=keeper, about="client merge"),
    Row("clients:undo_contact_merge", post=EVERYONE, about="contact merge"),
    Row("api:clients-merge", get=EVERYONE, post=keeper, about="client", data=told("client"), shuts_archived=True),
    Row("api:contacts-merge", get=EVERYONE, post=not_archived, about="contact", data=told("contact")),
    Row("api:client-merges-list", get=EVERYONE),
    Row("api:client-merges-detail", get=EVERYONE, about="client merge"),
    Row("api:client-merges-undo", post=keeper, about="client merge"),
    Row("api:contact-merges-list", get=EVERYONE),
    Row("api:contact-merges-detail", get=EVERYONE, about="contact merge"),
    Row("api:contact-merges-undo", post=EVERYONE, about="contact merge"),
]
