"""Possible duplicates: a pair is seen by who sees both."""

from django.utils import timezone

from tools.testing.access import EVERYONE, Row, of_list


def build(scene):
    """For each kind of client a second one of the same owner and team, and a second contact of it."""
    scene.rows["client pair"], scene.rows["contact pair"] = {}, {}
    model, contacts = scene.model("clients.Client"), scene.model("clients.Contact")
    for kind, client in scene.clients.items():
        names = ("owner", "team", "is_restricted", "archived_at")
        other = model.objects.create(name=f"Client {kind} Oy", **{name: getattr(client, name) for name in names})
        scene.model("clients.ClientFacts").objects.create(client=other)
        scene.rows["client pair"][kind] = scene.model("clients.ClientDuplicate").objects.create(
            first=client, second=other, score=70, found_at=timezone.now()
        )
        pair = [
            contacts.objects.create(first_name="Elina", last_name=f"{kind}-{n}", created_by=client.owner) for n in "12"
        ]
        for contact in pair:
            scene.model("clients.Affiliation").objects.create(client=client, contact=contact)
            if client.archived_at:
                contacts.objects.filter(pk=contact.pk).update(archived_at=client.archived_at)
        scene.rows["contact pair"][kind] = scene.model("clients.ContactDuplicate").objects.create(
            first=pair[0], second=pair[1], score=70, found_at=timezone.now()
        )


ROWS = [
    *of_list("clients:duplicates", "filters", "export"),
    *of_list("clients:contact_duplicates", "filters", "export"),
    Row("clients:similar_contacts", get=EVERYONE),
    *(
        Row(url, post=EVERYONE, about=f"{kind[:-1]} pair", also={"kind": kind}, seen_by={"archived": ()})
        for url in ("clients:duplicate_dismiss", "clients:duplicate_reopen")
        for kind in ("clients", "contacts")
    ),
]
