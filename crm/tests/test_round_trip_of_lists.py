"""The demo firm's own lists, of every kind: imported again they change nothing, and in an empty firm they make equal records."""

from collections import Counter
from datetime import UTC, datetime

import pytest
from django.apps import apps
from django.db import connection

from clients.records.models import Client
from crm.core.base.principals import acting
from crm.core.fields.catalogue import catalogues
from crm.core.importing import kinds
from crm.core.listing.files import csv_lines
from crm.core.users.models import User
from tools.demo.build import build
from tools.testing.importing import counts, run
from tools.testing.planning import analyse

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)


def lists(user):
    return {kind.key: "".join(csv_lines(kind.export(acting(user)))).encode() for kind in in_turn()}


def in_turn():
    return sorted((kind for kind in kinds.kinds() if kind.export), key=lambda kind: kind.turn)


def test_every_kind_has_a_list():
    assert [kind.key for kind in kinds.kinds() if kind.export is None] == ["rates"]


def test_the_lists_of_a_firm_change_nothing_in_it():
    build(now=NOW, with_logins=False)
    analyse()
    ines = User.objects.get(email__startswith="ines")
    found = {}
    for key, data in lists(ines).items():
        job = run(ines, key, data, system="rapport")
        if counts(job).keys() - {"unchanged"}:
            found[key] = (counts(job), {n: rows[:3] for n, rows in job.report["rows"].items() if n != "unchanged"})
    assert found == {}


# What an import does not write, so a list cannot bring it back
SET_UP = ("tag", "service", "exchangerate", "pipeline", "stage", "engagementkind", "survey", "segment")

NO_LIST = ("Document", "Referral")
_RUNS = "Made by an onboarding plan, which has no list."
_WHO = "Who wrote it is who imports it."
NOT_IN_LISTS = {
    ("Client", "onboarding_done"): _RUNS,
    ("Client", "onboarding_state"): _RUNS,
    ("Client", "onboarding_total"): _RUNS,
    ("Client", "contact_due_at"): "Follows from the last contact.",
    ("Client", "last_contact_at"): "Everybody sees the contact in an engagement that is restricted no more.",
    ("Client", "last_contact_channel"): "Likewise.",
    ("Client", "next_step_at"): "Follows from tasks of plans, too.",
    ("Client", "open_follow_ups"): "Those in a restricted engagement do not count.",
    ("Engagement", "is_restricted"): "A list does not say who may see a record.",
    ("FollowUp", "author"): _WHO,
    ("FollowUp", "closed_by"): _WHO,
    ("FollowUp", "source_id"): "The number of a record in this firm.",
    ("FollowUp", "source_kind"): "Goes with it.",
    ("Opportunity", "closed_at"): "A list has the day.",
    ("Opportunity", "stage_since"): "The day of the import.",
    ("Opportunity", "contract"): "A contract has no number that is its own before it is given one.",
    ("Opportunity", "renewal_date"): "Goes with the contract.",
}


def told():
    """Every field of every catalogue of the kinds that have a list, custom fields included, in words, without ids."""
    found = {}
    for catalogue in catalogues():
        fields = [*catalogue.items(), *catalogue.custom.items()]
        for row in catalogue.model._base_manager.all():
            for key, field in fields:
                found.setdefault((catalogue.model.__name__, key), Counter())[field.text(row)] += 1
    return found


def without_records():
    """The firm with its people and settings, and no record."""
    kept = {f"clients_{name}" for name in SET_UP} | {f"interactions_{name}" for name in SET_UP}
    tables = [
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if model._meta.app_label in ("clients", "interactions", "onboarding") and model._meta.managed
    ]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table in {*tables} - kept:
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")
        cursor.execute("SET LOCAL session_replication_role = origin")


@pytest.mark.as_owner
def test_the_lists_of_a_firm_make_equal_records_in_an_empty_one(settings):
    build(now=NOW, with_logins=False)
    analyse()
    ines = User.objects.get(email__startswith="ines")
    Client.objects.filter(is_restricted=True).update(is_restricted=False)
    files, before = lists(ines), told()
    without_records()
    settings.SECRET_KEY = "of another installation"
    failed = {}
    for key, data in files.items():
        job = run(ines, key, data, system="rapport")
        if "failed" in counts(job):
            failed[key] = (counts(job), job.report["rows"]["failed"][:3])
    assert failed == {}
    after = told()
    different = {
        key: (
            [*(before[key] - after.get(key, Counter())).items()][:3],
            [*(after.get(key, Counter()) - before[key]).items()][:3],
        )
        for key in before
        if key[0] not in NO_LIST and key not in NOT_IN_LISTS and before[key] != after.get(key)
    }
    assert different == {}
