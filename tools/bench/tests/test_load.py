"""`seed_load`: the rows asked for, the same each time, believable and within every constraint; the tables as they were."""

import re
from datetime import date

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Count
from django.test.utils import CaptureQueriesContext

from clients.records.models import Client, ClientFacts, StatusPeriod
from clients.revenue.models import RevenueLine
from interactions.follow_ups.models import FollowUp
from interactions.log.models import Interaction
from onboarding.models import Plan, Task

pytestmark = [pytest.mark.django_db, pytest.mark.as_owner]
TODAY = date(2026, 11, 22)


def load(**options):
    call_command("seed_load", clients=200, today=TODAY, verbosity=0, **options)


def schema():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint WHERE connamespace = 'public'::regnamespace "
            "UNION ALL SELECT tablename, indexname, indexdef, true FROM pg_indexes WHERE schemaname = 'public' "
            "UNION ALL SELECT tgrelid::regclass::text, tgname, tgenabled::text, true FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2, 3"
        )
        # an index made again spells the casts of its condition otherwise
        return [
            (table, name, re.sub(r"::(character varying|text)(\[\])?|[()]", "", text), valid)
            for table, name, text, valid in cursor.fetchall()
        ]


def fingerprint():
    rows = list(Interaction.objects.order_by("id").values_list("client__name", "occurred_at", "body")[:50])
    return rows, list(RevenueLine.objects.order_by("id").values_list("client__name", "date", "amount")[:50])


def test_the_rows_asked_for_and_the_tables_as_before():
    before = schema()
    load()
    assert (Client.objects.count(), Interaction.objects.count(), RevenueLine.objects.count()) == (200, 2000, 2000)
    assert (FollowUp.objects.count(), Plan.objects.count(), ClientFacts.objects.count()) == (100, 4, 200)
    assert Task.objects.count() == 40
    assert schema() == before
    assert Client.objects.filter(is_restricted=True).count() < 20


def test_the_lives_leave_no_gap_and_the_facts_agree():
    load()
    for client in Client.objects.prefetch_related("status_periods").select_related("facts"):
        spans = sorted(client.status_periods.all(), key=lambda span: span.start_date)
        assert [span.end_date for span in spans] == [*(span.start_date for span in spans[1:]), None]
        assert all(one.status != two.status for one, two in zip(spans, spans[1:], strict=False))
        assert (client.facts.status, client.facts.status_since) == (spans[-1].status, spans[-1].start_date)
    assert StatusPeriod.objects.filter(status="active", end_date=None).count() > 80


def test_the_same_again_and_another_seed():
    load(contacts=10, answers=0, plans=0)
    first = fingerprint()
    with pytest.raises(CommandError, match="--force"):
        load()
    Interaction.objects.all().delete()
    RevenueLine.objects.all().delete()
    load(force=True, contacts=10, answers=0, plans=0)
    again = fingerprint()
    assert first == again


def test_it_is_a_few_statements_whatever_the_number():
    with CaptureQueriesContext(connection) as few:
        load()
    assert len(few) < 700


def test_one_client_has_a_tenth_of_all_interactions():
    load()
    counted = Interaction.objects.values("client").annotate(n=Count("pk")).order_by("-n")
    assert 200 <= counted[0]["n"] < 300 and counted[1]["n"] < 60
    busiest = Client.objects.get(pk=counted[0]["client"])
    assert not busiest.is_restricted and busiest.archived_at is None


def test_a_custom_field_is_filled_in():
    load()
    found = Client.objects.values_list("custom__seats", flat=True)
    assert min(found) >= 1 and max(found) <= 500 and len(set(found)) > 100
