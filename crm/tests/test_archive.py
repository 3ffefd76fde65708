"""The whole firm as one archive, and the same firm out of it again."""

import io
import secrets
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.urls import reverse

from clients.catalogue.models import Tag
from clients.documents.models import Document
from clients.opportunities.models import Pipeline, Stage
from clients.opportunities.services.pipelines import default_pipeline
from clients.records.models import Client
from clients.records.services.clients import create_client
from crm.core.archive.reading import Archive, BadArchive
from crm.core.archive.restoring import HasData, is_empty, restore
from crm.core.archive.tables import everything
from crm.core.base.principals import acting
from crm.core.fields.catalogue import catalogues
from crm.core.fields.custom.models import FieldChange
from crm.core.fields.custom.services import create_field
from crm.core.files.models import StoredFile
from crm.core.files.services import store_bytes
from crm.core.firm.models import FirmSettings
from crm.core.importing.models import SourceValue
from crm.core.mail.models import Installation, OutboxMail
from crm.core.mail.services import instance
from crm.core.users.models import Team, User
from interactions.log.models import Interaction
from interactions.progress.models import ProgressRecipient
from interactions.surveys.models import SurveyInvitation
from tools.demo.build import build
from tools.testing.archives import archive, manifest_of, members_of, packed, with_manifest
from tools.testing.emptying import empty
from tools.testing.factories.clients import make_client
from tools.testing.factories.core import make_firm, make_person
from tools.testing.planning import analyse

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)


def rows_of_tables():
    """Every row of every table of an archive, without what stays behind."""
    found = {}
    for table in everything():
        names = [field.attname for field in table.fields]
        rows = table.model._base_manager.order_by("pk")
        found[table.key] = list((rows.filter(table.rows) if table.rows else rows).values_list(*names))
    return found


def facts_of_records():
    """Every field of every catalogue of every record, custom fields included, in words."""
    return {
        (catalogue.model.__name__, row.pk, key): field.text(row)
        for catalogue in catalogues()
        for row in _with_what_they_name(catalogue.model)
        for key, field in [*catalogue.items(), *catalogue.custom.items()]
    }


def _with_what_they_name(model):
    return model._base_manager.select_related(*(field.name for field in model._meta.fields if field.is_relation))


def contents():
    return {
        (row.pk, row.sha256, sha256(default_storage.open(row.path).read()).hexdigest())
        for row in StoredFile.objects.all()
    }


def as_application(do):
    """With the rights of the application's role."""
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE rapport_app")
        try:
            return do()
        finally:
            cursor.execute("RESET ROLE")


@pytest.mark.django_db(transaction=True)
def test_an_empty_firm_becomes_the_same_firm():
    build(now=NOW, with_logins=True)
    analyse()
    before, told, kept = rows_of_tables(), facts_of_records(), contents()
    assert len(told) > 10_000
    assert len(kept) > 10
    file = archive(NOW)
    assert restore(Archive(file)).is_same
    assert_no_secret(file)
    empty()
    assert is_empty()

    result = as_application(lambda: restore(Archive(file)))
    assert result.rows == sum(len(rows) for rows in before.values())
    assert result.files == len(kept)
    after = rows_of_tables()
    assert {key for key in before if after[key] != before[key]} == set()
    assert facts_of_records() == told
    assert contents() == kept
    assert restore(Archive(file)).is_same

    assert not any(user.has_usable_password() for user in User.objects.all())
    assert OutboxMail.objects.count() == 0
    assert instance.look().is_on
    marta = User.objects.get(email__startswith="marta")
    new = create_client(acting(marta), name="After", owner=marta, today=NOW.date())
    assert new.pk > max(row[0] for row in before["clients.Client"])


def assert_no_secret(file):
    secrets = {*User.objects.exclude(password="").values_list("password", flat=True)}
    secrets |= {*ProgressRecipient.objects.values_list("salt", flat=True)}
    for name in ("salt", "token_hash"):
        secrets |= {*SurveyInvitation.objects.exclude(**{name: ""}).values_list(name, flat=True)}
    assert len(secrets) > 50
    content = b"".join(members_of(file).values())
    assert b"Aurora Hydro" in content
    assert [secret for secret in secrets if secret.encode() in content] == []


@pytest.mark.django_db
def test_a_firm_with_other_data_is_left_alone():
    make_firm()
    marta = make_person(name="Marta Kesti")
    make_client(owner=marta, name="Alder")
    file = archive(NOW)
    Client.objects.update(name="Alder & Sons")
    make_client(owner=marta, name="Birch")
    before = rows_of_tables()
    with pytest.raises(HasData) as refused:
        restore(Archive(file))
    told = []
    with pytest.raises(HasData):
        restore(Archive(file), progress=lambda done, total: told.append(done / total))
    assert sum(share >= 0.5 for share in told) >= len(everything())  # comparing too
    said = {each.table: (each.missing, each.extra, each.changed) for each in refused.value.differences}
    assert said["clients.Client"] == (0, 1, 1)
    assert "core.User" not in said
    assert rows_of_tables() == before
    Client.objects.update(notes="Long. " * 50_000)
    with pytest.raises(HasData) as refused:
        restore(Archive(file))
    assert {each.changed for each in refused.value.differences if each.table == "clients.Client"} == {1}


def _sealed(members, name, content):
    """With another content of a member, for which the manifest vouches."""

    def change(manifest):
        said = {"bytes": len(content), "sha256": sha256(content).hexdigest()}
        manifest["members"][name] = {**manifest["members"].get(name, {}), **said}

    return with_manifest(members | {name: content}, change)


def random_letters(n):
    return secrets.token_hex(n // 2).encode()


CLIENTS = "tables/clients.Client.csv"
USERS, SENT = "tables/core.User.csv", "tables/interactions.SurveyInvitation.csv"
BAD = {
    "no archive": lambda members: io.BytesIO(b"Id,Name\n1,Alder\n"),
    "half of it": lambda members: io.BytesIO(packed(members).getvalue()[: len(packed(members).getvalue()) // 2]),
    "another ZIP": lambda members: packed({"a.csv": b"Id\n1\n"}),
    "no manifest": lambda members: packed({name: members[name] for name in members if name != "manifest.json"}),
    "an odd manifest": lambda members: packed(members | {"manifest.json": b"[1, 2"}),
    "a list as manifest": lambda members: packed(members | {"manifest.json": b"[]"}),
    "members of no size": lambda members: packed(
        with_manifest(members, lambda said: said.update(members={CLIENTS: {}}))
    ),
    "another version": lambda members: packed(with_manifest(members, lambda said: said.update(schema="0"))),
    "another format": lambda members: packed(with_manifest(members, lambda said: said.update(format=2))),
    "a changed member": lambda members: packed(members | {CLIENTS: members[CLIENTS].replace(b"Alder", b"Elder")}),
    "a missing member": lambda members: packed({name: members[name] for name in members if name != CLIENTS}),
    "one too many": lambda members: packed(members | {"tables/clients.More.csv": b"id\n"}),
    "a way out": lambda members: packed(_sealed(members, "../../etc/cron.d/rapport", b"* * * * * root id\n")),
    "a table of its own": lambda members: packed(_sealed(members, "tables/auth.Permission.csv", b"id\n1\n")),
    "an unknown column": lambda members: packed(
        _sealed(members, CLIENTS, members[CLIENTS].replace(b"id,", b"id,secret,", 1).replace(b"\n1,", b"\n1,x,", 1))
    ),
    "a bomb": lambda members: packed(_sealed(members, CLIENTS, members[CLIENTS] + b"0" * 50_000_000)),
    "a row twice": lambda members: packed(_sealed(members, CLIENTS, _twice(members[CLIENTS]))),
    "a row of nobody": lambda members: packed(
        _sealed(members, "tables/core.User.csv", members["tables/core.User.csv"].splitlines(True)[0])
    ),
    "text for a number": lambda members: packed(
        _sealed(
            members, "tables/core.Team.csv", members["tables/core.Team.csv"] + b"x,1,2026-01-01,2026-01-01,,North,\n"
        )
    ),
    "letters for an id": lambda members: packed(
        _sealed(members, USERS, members[USERS] + b"x" + members[USERS].splitlines(True)[1])
    ),
    "no colleagues at all": lambda members: packed(
        with_manifest(
            {name: members[name] for name in members if name != USERS}, lambda said: said["members"].pop(USERS)
        )
    ),
    "a short row of what is filled": lambda members: packed(_sealed(members, SENT, members[SENT] + b"1,2\n")),
    "an open quote in what is filled": lambda members: packed(_sealed(members, SENT, members[SENT] + b'1,"2\n')),
    "a head that is too long": lambda members: packed(
        _sealed(members, CLIENTS, random_letters(150_000) + b"," + members[CLIENTS])
    ),
    "a file under another name": lambda members: packed(_sealed(members, f"files/{'0' * 64}", b"%PDF-")),
}


def _twice(table):
    lines = table.splitlines(True)
    return b"".join([*lines, lines[-1]])


@pytest.mark.django_db(transaction=True)
def test_a_bad_archive_says_so_and_changes_nothing():
    owner = make_person(name="Marta Kesti")
    make_firm()
    make_client(owner=owner, name="Alder")
    members = members_of(archive(NOW))
    empty()
    for what, make in BAD.items():
        file = make(members)
        with pytest.raises(BadArchive) as refused:
            restore(Archive(file))
        assert len(refused.value.message) > 20, what
        assert is_empty(), what
        assert not User.objects.exists(), what
    assert restore(Archive(packed(members))).rows


@pytest.mark.django_db(transaction=True)
def test_contents_are_taken_back_when_the_rows_are_refused(monkeypatch):
    make_firm()
    owner = make_person(name="Marta Kesti")
    client = make_client(owner=owner, name="Alder", tags=[Tag.objects.create(name="Key")])
    stored = store_bytes(acting(owner), name="terms.txt", data=b"Terms", content_type="text/plain", client_id=client.pk)
    Document.objects.create(client=client, title="Terms", file=stored, number=1, uploaded_at=NOW)
    members = members_of(archive(NOW))
    tags = members["tables/clients.Client_tags.csv"].rstrip().rpartition(b",")[0] + b",999\n"
    empty()
    taken, original = [], default_storage.delete
    monkeypatch.setattr(default_storage, "delete", lambda path: taken.append(path) or original(path))
    with pytest.raises(BadArchive, match="contradicts itself"):
        restore(Archive(packed(_sealed(members, "tables/clients.Client_tags.csv", tags))))
    assert len(taken) == 1
    assert not default_storage.exists(taken[0])
    assert is_empty()
    restore(Archive(packed(members)))
    assert contents() == {(stored.pk, stored.sha256, stored.sha256)}
    assert StoredFile.objects.get().path != stored.path


@pytest.mark.django_db(transaction=True)
def test_what_shrinks_to_almost_nothing_is_restored():
    make_firm()
    owner = make_person(name="Marta Kesti")
    for name in ("Alder", "Birch", "Cedar"):
        client = make_client(owner=owner, name=name, notes="Long. " * 100_000)
    data = bytes(3_000_000)
    stored = store_bytes(acting(owner), name="grid.bmp", data=data, content_type="image/bmp", client_id=client.pk)
    Document.objects.create(client=client, title="Grid", file=stored, number=1, uploaded_at=NOW)
    file = archive(NOW)
    empty()
    restore(Archive(file))
    assert default_storage.open(StoredFile.objects.get().path).read() == data
    assert Client.objects.filter(notes__startswith="Long. Long.").count() == 3


@pytest.mark.django_db(transaction=True)
def test_a_firm_that_was_only_looked_at_is_empty(client):
    make_firm()
    pipeline = default_pipeline()
    Pipeline.objects.update(name="Key accounts", version=2)
    file = archive(NOW)
    empty()
    make_firm()
    client.force_login(make_person(name="Ines Vaara", roles=["admin"]))
    client.get(reverse("clients:opportunity_board"))
    assert Stage.objects.count() == 4
    assert is_empty()
    Stage.objects.filter(position=1).update(probability=30)
    Team.objects.create(name="North")
    with pytest.raises(HasData, match="of its own: pipelines, stages, teams"):
        restore(Archive(file))
    assert "This one has data: pipelines, stages, teams." in client.get(reverse("core:archive")).content.decode()
    Team.objects.all().delete()
    Stage.objects.filter(position=1).update(probability=25)
    restore(Archive(file))
    assert [*Pipeline.objects.values_list("pk", "name")] == [(pipeline.pk, "Key accounts")]


@pytest.mark.django_db(transaction=True)
def test_an_admin_has_in_it_what_the_admin_sees():
    build(now=NOW, with_logins=False)
    analyse()
    admin = make_person(name="Aino Admin", roles=["admin"])
    hidden = Client.objects.filter(is_restricted=True)
    secret = Client.objects.filter(is_restricted=False).first()
    Interaction.objects.filter(client=secret).update(
        visibility="private", author=hidden.first().owner, subject="Whispered"
    )
    assert hidden.count() == 1
    assert Document.objects.filter(client__in=hidden).exists() or Interaction.objects.filter(client__in=hidden).exists()
    SourceValue.objects.create(system="hubspot", field="people", value="whispered too", meaning="Marta")
    field = create_field(acting(admin), record="client", label="Size", kind="text")
    for rows in ({}, {"1": ["Whispered before", None]}):
        change = {"from_kind": "text", "to_kind": "number", "rows": rows, "created_at": NOW}
        FieldChange.objects.create(field=field, user=admin, **change)
    file = archive(NOW, acting(admin))
    members = members_of(file)
    assert manifest_of(members)["members"]["tables/core.FieldChange.csv"]["rows"] == 1
    assert b"whispered too" not in members["tables/core.SourceValue.csv"]
    assert not any("Event" in name or name.endswith("Context.csv") for name in members)
    content = b"".join(members.values())
    assert b"Whispered" not in content
    for client in hidden:
        assert client.name.encode() not in content
    seen = Client.objects.visible_to(acting(admin)).count()
    assert manifest_of(members)["members"]["tables/clients.Client.csv"]["rows"] == seen
    assert restore(Archive(file)).is_same  # all of it is there
    names = list(hidden.values_list("name", flat=True))
    empty()
    restore(Archive(file))
    assert Client.objects.count() == seen
    assert not Client.objects.filter(name__in=names).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("address", ["ines@example.com", "new@example.com"])
def test_the_people_of_an_empty_firm_stay(address, client):
    make_firm()
    there = make_person(name="Ines Vaara", email="ines@example.com", roles=["manager"])
    make_client(owner=there, name="Alder")
    file = archive(NOW)
    empty()
    make_firm()
    for n in range(3):
        make_person(name=f"Colleague {n}")
    admin = make_person(name="First Admin", email=address.upper(), roles=["admin"])
    admin.set_password("correct horse battery")
    admin.save()
    restore(Archive(file))
    alder = Client.objects.get()
    assert alder.owner_id == there.pk
    assert alder.owner.email == "ines@example.com"
    kept = User.objects.get(email__iexact=address)
    assert kept.check_password("correct horse battery")
    assert kept.is_admin
    assert (kept.pk == there.pk) is (address == "ines@example.com")
    assert User.objects.count() == (4 if address == "ines@example.com" else 5)
    assert FirmSettings.objects.count() == 1
    assert Installation.objects.get().database == instance.RESTORED
    client.post(reverse("account_reset_password"), {"email": "ines@example.com"})
    assert OutboxMail.objects.get().to_address == "ines@example.com"  # who has no password yet sets one


@pytest.mark.django_db(transaction=True)
def test_commands(tmp_path, capsys):
    make_firm()
    make_client(owner=make_person(name="Marta Kesti"), name="Alder")
    file = tmp_path / "firm.zip"
    call_command("export_firm", str(file))
    assert "rows" in capsys.readouterr().out
    assert file.stat().st_mode & 0o077 == 0
    with pytest.raises(CommandError, match="exists already"):
        call_command("export_firm", str(file))
    call_command("import_firm", str(file))
    assert "Nothing was done" in capsys.readouterr().out
    Client.objects.update(name="Birch")
    with pytest.raises(CommandError, match="data of its own"):
        call_command("import_firm", str(file))
    assert "clients.Client: 0 only in the archive, 0 only here, 1 differ" in capsys.readouterr().err
    empty()
    call_command("import_firm", str(file))
    assert "Restored" in capsys.readouterr().out
    assert Client.objects.get().name == "Alder"
    call_command("export_firm", "--list")
    assert "not core.OutboxMail" in capsys.readouterr().out
