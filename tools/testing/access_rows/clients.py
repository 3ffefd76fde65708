from datetime import date
from decimal import Decimal

from crm.core.base.principals import acting
from crm.core.files.services import store_bytes
from tools.testing.access import ADMINS, EVERYONE, MANAGERS, Row, of_board, of_list


def build(scene):
    """One of each for every kind of client, and what the firm shares."""
    service = scene.model("clients.Service").objects.create(name="Audit")
    scene.rows["service"] = {"any": service}
    scene.rows["tag"] = {"any": scene.model("clients.Tag").objects.create(name="Board")}
    scene.rows["rate"] = {
        "any": scene.model("clients.ExchangeRate").objects.create(
            base="EUR", currency="USD", day=date(2026, 1, 1), rate=Decimal("0.9")
        )
    }
    for name in ("contact", "affiliation", "held", "line", "contract", "access", "document"):
        scene.rows[name] = {}
    for kind, client in scene.clients.items():
        contact = scene.model("clients.Contact").objects.create(
            first_name="Elina", last_name=kind, created_by=client.owner
        )
        scene.rows["contact"][kind] = contact
        scene.rows["affiliation"][kind] = scene.model("clients.Affiliation").objects.create(
            client=client, contact=contact
        )
        scene.rows["held"][kind] = scene.model("clients.HeldDetails").objects.create(
            affiliation=scene.rows["affiliation"][kind],
            details={"address": "elina@before.example"},
            changed_at="2026-11-20T10:00Z",
        )
        scene.rows["line"][kind] = scene.model("clients.RevenueLine").objects.create(
            client=client, date=date(2026, 1, 1), amount=Decimal(1), currency="EUR", rate=1
        )
        scene.rows["contract"][kind] = scene.model("clients.Contract").objects.create(
            client=client, service=service, value=Decimal(1), currency="EUR", rate=1, start_date=date(2026, 1, 1)
        )
        file = store_bytes(
            acting(client.owner),
            name="letter.pdf",
            data=f"%PDF-1.4 of {kind}".encode(),
            content_type="application/pdf",
            client_id=client.pk,
        )
        scene.rows["document"][kind] = scene.model("clients.Document").objects.create(
            client=client, title=f"Letter to Client {kind}", file=file, uploaded_at="2026-11-20T10:00Z"
        )
        scene.model("clients.DocumentVersion").objects.create(
            document=scene.rows["document"][kind], number=1, file=file
        )
        # the owner sees it anyway, so that naming them changes nothing for the other rows
        scene.rows["access"][kind] = scene.model("clients.ClientAccess").objects.create(
            client=client, user=client.owner, granted_by=client.owner
        )


def part(name):
    """The id of the client's own row of a kind; any other for a client that is missing."""
    return lambda scene, kind: scene.rows[name][kind].pk if kind in scene.rows[name] else 1


def period(scene, kind):
    return scene.clients[kind].status_periods.get().pk if kind in scene.clients else 1


OWNERS = {"own": "owner", "archived": "owner", "team": "mate", "other": "stranger", "restricted": "stranger", "any": ""}


def keeper(who, kind):
    """Managers, admins and the client's own account manager."""
    return who in ("manager", "admin") or kind == "any" or OWNERS[kind] == who


def of_client(url, part_name="", **methods):
    also = {f"{part_name}_id": part(part_name)} if part_name else {}
    return Row(url, about="client", arg="client_id", also=methods.pop("also", also), **methods)


def of_document(url, **methods):
    return Row(url, about="document", arg=methods.pop("arg", "document_id"), **methods)


NOT_ARCHIVED = {"archived": ()}
ROWS = [
    *of_list("clients:list", "filters", "export", "select"),
    *of_board("clients:list", "client", "active"),
    Row("clients:create", get=EVERYONE, post=EVERYONE),
    Row("clients:similar", get=EVERYONE, query={"name": "Client"}),
    Row("clients:options", get=EVERYONE, query={"q": "Client"}),
    Row("clients:restricted", get=ADMINS),
    of_client("clients:client", get=EVERYONE),
    of_client("clients:strip", get=EVERYONE),
    of_client("clients:panel", get=EVERYONE, also={"key": "follow-ups"}),
    of_client("clients:history", get=EVERYONE),
    of_client("clients:edit", get=EVERYONE, post=EVERYONE, shuts_archived=True),
    Row(
        "clients:fact",
        get=EVERYONE,
        post=EVERYONE,
        about="client",
        arg="client_id",
        also={"name": "phone"},
        shuts_archived=True,
    ),
    of_client("clients:archive", post=EVERYONE, shuts_archived=True),
    of_client("clients:restore", post=EVERYONE),
    of_client("clients:status", get=EVERYONE, post=EVERYONE, shuts_archived=True),
    Row(
        "clients:withdraw_status",
        post=EVERYONE,
        about="client",
        arg="client_id",
        also={"period_id": period},
        shuts_archived=True,
    ),
    of_client("clients:access", get=keeper, post=keeper, shuts_archived=True),
    of_client("clients:lift_restriction", get=keeper, post=keeper, seen_by={"restricted": ("stranger", "admin")}),
    of_client("clients:restrict_again", post=keeper, shuts_archived=True),
    of_client("clients:revoke_access", "access", post=keeper, shuts_archived=True),
    of_client("clients:group", get=EVERYONE),
    of_client("clients:people", get=EVERYONE),
    of_client("clients:add_person", get=EVERYONE, post=EVERYONE, shuts_archived=True),
    of_client("clients:link_person", post=EVERYONE, shuts_archived=True),
    of_client("clients:place", "affiliation", get=EVERYONE, post=EVERYONE, shuts_archived=True),
    of_client("clients:leave", "affiliation", post=EVERYONE, shuts_archived=True),
    of_client("clients:come_back", "affiliation", post=EVERYONE, shuts_archived=True),
    of_client("clients:revenue", get=EVERYONE),
    of_client("clients:revenue-export", get=EVERYONE),
    of_client("clients:add_line", get=EVERYONE, post=EVERYONE, shuts_archived=True),
    of_client("clients:edit_line", "line", get=EVERYONE, post=EVERYONE, shuts_archived=True),
    of_client("clients:delete_line", "line", post=EVERYONE, shuts_archived=True),
    of_client("clients:undelete_line", "line", post=EVERYONE, shuts_archived=True),
    of_client("clients:add_contract", get=EVERYONE, post=EVERYONE, shuts_archived=True),
    of_client("clients:edit_contract", "contract", get=EVERYONE, post=EVERYONE, shuts_archived=True),
    of_client("clients:change_price", "contract", get=EVERYONE, post=EVERYONE, shuts_archived=True),
    *(of_client(f"clients:client_opportunities{part}", get=EVERYONE) for part in ("", "-filters", "-export")),
    of_client("clients:client_opportunities-select", post=EVERYONE),
    of_client("clients:client_documents", get=EVERYONE),
    of_client("clients:client_documents-export", get=EVERYONE),
    of_client("clients:client_documents-select", post=EVERYONE),
    *of_list("clients:documents", "filters", "export", "select"),
    of_client("clients:document_upload", post=EVERYONE, shuts_archived=True),
    of_document("clients:document", get=EVERYONE),
    of_document("clients:document_edit", get=EVERYONE, post=EVERYONE, shuts_archived=True),
    of_document("clients:document_share", post=EVERYONE, shuts_archived=True),
    of_document("clients:document_unshare", post=EVERYONE, shuts_archived=True),
    of_document("clients:document_archive", post=EVERYONE, shuts_archived=True),
    of_document("clients:document_restore", post=EVERYONE, shuts_archived=True),
    of_document("clients:document_version_add", get=EVERYONE, post=EVERYONE, shuts_archived=True),
    of_document("clients:document_file", get=EVERYONE, also={"number": 1}),
    of_document("clients:document_preview", get=EVERYONE, also={"number": 1}),
    *of_list("clients:rates", "export", get=ADMINS),
    Row("clients:rate_add", get=ADMINS, post=ADMINS),
    Row("clients:rate", get=ADMINS, post=ADMINS, about="rate", arg="rate_id"),
    Row("clients:rate_delete", post=ADMINS, about="rate", arg="rate_id"),
    *of_list("clients:lines_without_rate", "export"),
    *of_list("clients:contracts_without_rate", "export"),
    of_client("clients:archive_contract", "contract", post=EVERYONE, shuts_archived=True),
    of_client("clients:restore_contract", "contract", post=EVERYONE, shuts_archived=True),
    *of_list("clients:contacts", "export", "select"),
    Row("clients:create_contact", get=EVERYONE, post=EVERYONE),
    Row("clients:contact_options", get=EVERYONE, query={"q": "Elina"}),
    Row("clients:contact", get=EVERYONE, about="contact", arg="contact_id"),
    Row("clients:edit_contact", get=EVERYONE, post=EVERYONE, about="contact", arg="contact_id"),
    Row("clients:archive_contact", post=EVERYONE, about="contact", arg="contact_id"),
    Row("clients:restore_contact", post=EVERYONE, about="contact", arg="contact_id"),
    Row("clients:consent", post=EVERYONE, about="contact", arg="contact_id"),
    Row("clients:held_details", post=EVERYONE, about="contact", arg="contact_id", also={"held_id": part("held")}),
    Row("clients:services", get=EVERYONE),
    Row("clients:service_create", get=MANAGERS, post=MANAGERS),
    Row("clients:service_edit", get=MANAGERS, post=MANAGERS, about="service", arg="service_id"),
    Row("clients:service_archive", post=MANAGERS, about="service", arg="service_id"),
    Row("clients:service_restore", post=MANAGERS, about="service", arg="service_id"),
    Row("clients:tags", get=EVERYONE),
    Row("clients:tag_create", get=MANAGERS, post=MANAGERS),
    Row("clients:tag_edit", get=MANAGERS, post=MANAGERS, about="tag", arg="tag_id"),
    Row("clients:tag_delete", get=MANAGERS, post=MANAGERS, about="tag", arg="tag_id"),
    Row("api:clients-list", get=EVERYONE, post=EVERYONE),
    Row("api:clients-detail", get=EVERYONE, patch=EVERYONE, delete=EVERYONE, about="client"),
    Row("api:clients-restore", post=EVERYONE, about="client"),
    Row("api:clients-status", post=EVERYONE, about="client"),
    Row("api:contacts-list", get=EVERYONE, post=EVERYONE),
    Row("api:contacts-detail", get=EVERYONE, patch=EVERYONE, delete=EVERYONE, about="contact"),
    Row("api:revenue-list", get=EVERYONE, post=EVERYONE),
    Row("api:revenue-detail", get=EVERYONE, patch=EVERYONE, delete=EVERYONE, about="line", seen_by={"archived": ()}),
    Row("api:contracts-list", get=EVERYONE, post=EVERYONE),
    Row(
        "api:contracts-detail",
        get=EVERYONE,
        patch=EVERYONE,
        delete=EVERYONE,
        about="contract",
        seen_by={"archived": ()},
    ),
    Row("api:contracts-restore", post=EVERYONE, about="contract", seen_by={"archived": ()}),
    Row("api:clients-status-history", get=EVERYONE, about="client"),
    Row("api:tags-list", get=EVERYONE),
    Row("api:tags-detail", get=EVERYONE, about="tag"),
    Row("api:services-list", get=EVERYONE),
    Row("api:services-detail", get=EVERYONE, about="service"),
    *(
        row
        for name in ("clients", "contacts", "revenue", "contracts", "interactions", "follow-ups")
        for row in (
            Row(f"api:{name}-batch", post=EVERYONE),
            Row(f"api:{name}-by-external-id", put=EVERYONE, also={"system": "sf", "value": "1"}),
        )
    ),
    Row("api:documents-list", get=EVERYONE, post=EVERYONE),
    of_document("api:documents-detail", arg="pk", get=EVERYONE, patch=EVERYONE, delete=EVERYONE, seen_by=NOT_ARCHIVED),
    of_document("api:documents-restore", arg="pk", post=EVERYONE, seen_by=NOT_ARCHIVED),
    of_document("api:documents-file", arg="pk", get=EVERYONE, seen_by=NOT_ARCHIVED),
    of_document("api:documents-versions", arg="pk", get=EVERYONE, post=EVERYONE, seen_by=NOT_ARCHIVED),
    of_document("api:documents-version-file", arg="pk", get=EVERYONE, also={"number": 1}, seen_by=NOT_ARCHIVED),
    Row("api:contracts-price", post=EVERYONE, about="contract", seen_by={"archived": ()}),
]
