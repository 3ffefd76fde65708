"""Rows that an import copies are those that single inserts would leave: in every table, in every column."""

import json

import pytest
import time_machine
from django.db import connection, transaction

from clients.catalogue.services import create_service
from crm.core.base import models
from crm.core.base.principals import SYSTEM
from tools.testing.factories.clients import NOW, make_user
from tools.testing.importing import counts, run

pytestmark = [pytest.mark.django_db, pytest.mark.as_owner]  # who may set sequences back
LEFT_OUT = {"core_job", "core_storedfile", "core_notification"}  # their names, keys and paths are random
TABLES = """
    SELECT c.relname, coalesce(string_agg(a.attname, ',' ORDER BY a.attnum), '') FROM pg_class c
    LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey)
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' GROUP BY c.relname ORDER BY c.relname"""
SEQUENCES = "SELECT quote_ident(sequencename), coalesce(last_value, 1), last_value IS NOT NULL FROM pg_sequences WHERE schemaname = 'public'"
CLIENTS = (
    "Id,Name,Status,Status since,Email,Phone,Country,Website,Tags,Part of (id),First name,Last name,Notes,Referred by,Account owner\n"
    '1,"A\ttab, \\N and \\ ""quotes""",active,2020-02-01,a@a.example,+49 30 123456,DE,a.example,"x; y",,Ada,Å,"two\nlines",A friend,\n'
    "2,Łódź 🙂,former,2019-01-01,,030 123,Finland,,X,1,,,=1+1,,Ines Berg\n"
    "3,Later,active,2099-01-01,wrong,,Nowhere,,,,,,,,Somebody Else\n"
    "4,Unknown start,active,unknown,,,,,,5,,,,,\n"
    "5,Mother,prospect,,info@m.example,,,m.example/x,,,,Only,,,\n"
    "1,Alpha twice,active,2020-02-01,,,,,,,,,,,\n"
    ",No id,,,,,,,,,,,,,\n"
)
CONTACTS = (
    "Id,Client’s id,First name,Last name,Email,Mobile,Role\n"
    "c1,1,Ada,Å,ada@a.example;second@a.example,+49 171 1234567,Boss\\n\n"
    "c2,1; 5,Bo,,BO@a.example,0171 99,\n"
    "c3,,Nobody,Here,,,\n"
)
LINES = (
    "Id,Client’s id,Date,Amount,Currency,Kind,Note\n"
    "r1,1,2026-01-05,100.50,EUR,,a\\b\n"
    "r2,1,2026-02-05,-3,EUR,,\n"
    "r3,5,2025-12-31,7.1234,EUR,fee,\n"
    ",2,2026-01-05,1,EUR,,\n"
)
NOTES = (
    "Id,Client’s id,Date,Channel,Subject,Summary,Contact’s email,Participants\n"
    'i1,1,2026-01-05 10:00,call,S,"B\n\\t",ada@a.example,Ines Berg\n'
    "i2,5,2026-01-06 10:00,note,,x,,\n"
)


def reset(before):
    with connection.cursor() as cursor:
        for name, value, is_called in before:
            cursor.execute("SELECT setval(%s, %s, %s)", [name, value, is_called])


def sequences():
    with connection.cursor() as cursor:
        cursor.execute(SEQUENCES)
        return cursor.fetchall()


def everything():
    """{table: its rows}, with each context of the history by what it says."""
    found = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT id::text, metadata::text FROM pghistory_context")
        contexts = dict(cursor.fetchall())
        cursor.execute(TABLES)
        for table, key in cursor.fetchall():
            if table in LEFT_OUT:
                continue
            cursor.execute(f'SELECT to_jsonb(t)::text FROM "{table}" t ORDER BY {key or 1}')
            found[table] = [json.loads(row) for (row,) in cursor.fetchall()]
    for row in [row for rows in found.values() for row in rows]:
        if row.get("pgh_context_id"):
            row["pgh_context_id"] = contexts[row["pgh_context_id"]]
    found["pghistory_context"] = sorted(
        json.dumps(row["metadata"], sort_keys=True) for row in found["pghistory_context"]
    )
    return found


def left_by_imports(actor, many, monkeypatch):
    monkeypatch.setattr(models, "MANY", many)
    before = sequences()
    with transaction.atomic():
        told = [
            counts(run(actor, kind, data.encode(), system="nasty", defaults=defaults))
            for kind, data, defaults in (
                ("clients", CLIENTS, {"status": "active"}),
                ("contacts", CONTACTS, {}),
                ("revenue", LINES, {}),
                ("interactions", NOTES, {}),
            )
        ]
        found = everything()
        transaction.set_rollback(True)
    reset(before)
    return told, found


def test_copied_rows_are_those_of_single_inserts(monkeypatch):
    actor = make_user(name="Ines Berg", roles=("manager",))
    create_service(SYSTEM, name="Advice")
    with time_machine.travel(NOW, tick=False):
        told, copied = left_by_imports(actor, 1, monkeypatch)
        again, inserted = left_by_imports(actor, 10**9, monkeypatch)
    assert told == again
    assert [sum(each.values()) for each in told] == [7, 3, 4, 2]
    assert all(each["created"] >= least for each, least in zip(told, (5, 2, 3, 2), strict=True))
    for table in inserted:
        assert copied[table] == inserted[table], table
    for table in (
        "clients_client",
        "clients_clientevent",
        "clients_contactphoneevent",
        "interactions_interactionevent",
    ):
        assert copied[table]
