"""Segments as people keep them: names, sharing, stale edits, deleting; and who joined and left."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from clients.listing.lists import CLIENTS
from clients.records.facts import set_facts
from clients.records.models import Client
from clients.records.services.clients import archive_client, update_client
from clients.segments import queries, rules, services
from clients.segments.models import Segment, SegmentChange, SegmentMember
from crm.core.base.errors import ServiceError, StaleWrite
from crm.core.base.principals import SYSTEM, acting
from crm.core.firm.queries import firm_today
from crm.core.listing.services import create_view
from crm.core.work.schedule import periodic
from tools.testing.factories.clients import NOW, make_client

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def rule(*inner, match="all"):
    return {"match": match, "rules": [{"field": f, "op": op, "values": list(values)} for f, op, *values in inner]}


TIER_A = rule(("tier", "is", "A"))


def make(who, name="Large", asked=TIER_A, **more):
    return services.create_segment(acting(who), name=name, rule=asked, **more)


def test_a_segment_keeps_its_rule_and_everybody_their_own(marta, otto):
    made = make(marta, "  Large   ones ")
    assert (made.name, made.owner, made.is_shared, made.version) == ("Large ones", marta, False, 1)
    assert made.rule["rules"] == [{"field": "tier", "op": "is", "values": ["A"], "label": "Tier"}]
    make(otto, "Large ones")
    assert list(Segment.objects.visible_to(acting(marta))) == [made]
    services.update_segment(acting(marta), segment=made, is_shared=True)
    assert made in Segment.objects.visible_to(acting(otto))


def test_a_name_is_given_once(marta):
    make(marta, "Large")
    for name in ("large", " LARGE "):
        with pytest.raises(ServiceError, match="already have a segment") as refused:
            make(marta, name)
        assert refused.value.field == "name"
    with pytest.raises(ServiceError) as refused:
        make(marta, " ")
    assert refused.value.field == "name"
    with pytest.raises(IntegrityError), transaction.atomic():
        Segment.objects.create(owner=marta, name="LARGE", rule=TIER_A)


def test_what_makes_no_sense_is_refused_and_changes_nothing(marta):
    with pytest.raises(ServiceError, match="Enter a value") as refused:
        make(marta, asked=rule(("tier", "is")))
    assert refused.value.field == "rule" and not Segment.objects.exists()
    kept = make(marta)
    with pytest.raises(ServiceError, match="no longer exists"):
        services.update_segment(acting(marta), segment=kept, rule=rule(("shoe_size", "is", "44")))
    kept.refresh_from_db()
    assert kept.rule["rules"][0]["field"] == "tier"


def test_only_its_owner_or_an_admin_changes_a_shared_one(marta, otto, aino):
    kept = make(marta, is_shared=True)
    with pytest.raises(PermissionDenied):
        services.update_segment(acting(otto), segment=kept, name="Mine")
    services.update_segment(acting(aino), segment=kept, name="Ours")
    assert Segment.objects.get().name == "Ours"


def test_a_stale_edit_of_the_rule_is_refused_and_another_field_merges(marta, otto):
    kept = make(marta)
    services.update_segment(acting(marta), segment=kept, seen_version=1, name="Larger")
    services.update_segment(acting(marta), segment=kept, seen_version=1, rule=rule(("tier", "is", "B")))
    with pytest.raises(StaleWrite):
        services.update_segment(acting(marta), segment=kept, seen_version=1, rule=rule(("tier", "is", "C")))
    found = Segment.objects.get()
    assert (found.name, found.rule["rules"][0]["values"], found.version) == ("Larger", ["B"], 3)


def test_deleting_asks_where_a_view_uses_it_and_can_be_undone(marta):
    kept = make(marta)
    create_view(acting(marta), page=CLIENTS, name="Large", query={"segment": [str(kept.pk)]}, now=NOW)
    with pytest.raises(ServiceError, match="In use: 1 × View") as refused:
        services.delete_segment(acting(marta), segment=kept, now=NOW)
    assert refused.value.code == "question" and Segment.objects.kept().exists()
    services.delete_segment(acting(marta), segment=kept, now=NOW, is_in_use_too=True)
    assert not Segment.objects.kept().exists()
    make(marta)
    with pytest.raises(ServiceError, match="already have a segment"):
        services.restore_segment(acting(marta), segment=kept)
    services.update_segment(acting(marta), segment=Segment.objects.kept().get(), name="Other")
    assert not services.restore_segment(acting(marta), segment=kept).is_archived


def test_there_is_an_end_to_segments(marta, monkeypatch):
    monkeypatch.setattr(services, "MOST_SEGMENTS", 1)
    make(marta)
    with pytest.raises(ServiceError, match="up to 1 segments"):
        make(marta, "More")


# Who joined and left


@pytest.fixture
def noted(marta):
    """Aava is of tier A, Birka and Ceder are not; it is noted on the first day."""
    rows = [
        make_client(owner=marta, name=name, tier="A" if name == "Aava" else "B") for name in ("Aava", "Birka", "Ceder")
    ]
    kept = make(marta, is_shared=True)
    note(kept, 0)
    return kept, rows


def note(kept, days):
    now = NOW + days * DAY
    return services.note_members(SYSTEM, segment=Segment.objects.get(pk=kept.pk), today=firm_today(now), now=now)


def tier(who, client, value):
    update_client(acting(who), client=Client.objects.get(pk=client.pk), tier=value)


def moved(who, kept, days=0):
    found = queries.moved(acting(who), kept, rules.read(kept.rule), NOW + days * DAY)
    return tuple(sorted(row.name for row in rows) for rows in (found.joined, found.left))


def test_the_first_note_is_where_it_begins(noted, marta):
    kept, rows = noted
    assert [row.client for row in SegmentMember.objects.all()] == [rows[0]] and not SegmentChange.objects.exists()
    assert moved(marta, kept) == ([], [])


def test_who_joined_and_left_is_seen_at_once_and_noted_the_next_day(noted, marta):
    kept, (aava, birka, ceder) = noted
    tier(marta, aava, "B"), tier(marta, birka, "A")
    assert moved(marta, kept) == (["Birka"], ["Aava"])
    assert note(kept, 1) == 2 and note(kept, 1) == 0
    changes = {(row.client.name, row.has_joined) for row in SegmentChange.objects.all()}
    assert changes == {("Birka", True), ("Aava", False)}
    assert moved(marta, kept, 1) == (["Birka"], ["Aava"])
    tier(marta, ceder, "A"), tier(marta, birka, "B")
    assert moved(marta, kept, 1) == (["Ceder"], ["Aava"])
    assert note(kept, 2) == 2
    assert moved(marta, kept, 2) == (["Ceder"], ["Birka"])
    tier(marta, birka, "A")
    assert moved(marta, kept, 2) == (["Ceder"], [])


def test_a_day_noted_twice_keeps_one_row_for_each_client(noted, marta):
    kept, (aava, birka, ceder) = noted
    tier(marta, birka, "A")
    note(kept, 1)
    tier(marta, birka, "B")
    note(kept, 1)
    row = SegmentChange.objects.get()
    assert (row.client, row.has_joined) == (birka, False)
    with pytest.raises(IntegrityError), transaction.atomic():
        SegmentChange.objects.create(segment=kept, client=birka, day=row.day, has_joined=True)


def test_batches(noted, marta, monkeypatch):
    monkeypatch.setattr(services, "BATCH", 1)
    kept, (aava, birka, ceder) = noted
    for client in (birka, ceder):
        tier(marta, client, "A")
    assert note(kept, 1) == 2 and SegmentMember.objects.count() == 3


def test_an_archived_client_has_left_and_is_not_shown(noted, marta):
    kept, (aava, *_rest) = noted
    archive_client(acting(marta), client=aava, now=NOW)
    assert moved(marta, kept) == ([], []) and note(kept, 1) == 1


def test_another_rule_begins_again(noted, marta):
    kept, rows = noted
    kept = services.update_segment(acting(marta), segment=kept, rule=rule(("tier", "is", "B")))
    assert queries.moved(acting(marta), kept, rules.read(kept.rule), NOW).joined is None
    assert note(kept, 1) == 0 and SegmentMember.objects.count() == 2
    assert moved(marta, kept, 1) == ([], [])


def test_nobody_is_told_of_clients_they_do_not_see(noted, marta, otto):
    kept, (aava, birka, _ceder) = noted
    Client.objects.filter(pk__in=[aava.pk, birka.pk]).update(is_restricted=True)
    tier(marta, birka, "A"), tier(marta, aava, "B")
    assert moved(marta, kept) == (["Birka"], ["Aava"])
    assert moved(otto, kept) == ([], [])


def test_a_rule_about_me_is_noted_for_its_owner_and_told_to_nobody_else(noted, marta, otto):
    kept = make(marta, "Mine", rule(("owner", "is", "me")), is_shared=True)
    note(kept, 0)
    assert SegmentMember.objects.filter(segment=kept).count() == 3
    assert moved(marta, kept) == ([], [])
    assert queries.moved(acting(otto), kept, rules.read(kept.rule), NOW).joined is None


def test_a_broken_segment_is_left_as_it_was(noted, marta):
    kept, rows = noted
    broken = rule(("shoe_size", "is", "44"))
    Segment.objects.filter(pk=kept.pk).update(rule=broken)
    assert note(kept, 1) == 0 and SegmentMember.objects.count() == 1


def test_the_daily_job_notes_every_segment_once_a_day(noted, marta):
    kept, (aava, birka, _ceder) = noted
    job = next(job for job in periodic if job.key == "clients.segments")
    tier(marta, birka, "A")
    set_facts(client_id=birka.pk, nps_score=9)
    assert job.do(NOW + DAY) == 1 and job.do(NOW + DAY) == 0
    tier(marta, birka, "B")
    assert job.do(NOW + DAY) == 0 and job.do(NOW + 2 * DAY) == 1
    assert SegmentChange.objects.filter(client=birka).count() == 2
    job.do(NOW + 500 * DAY)
    assert not SegmentChange.objects.exists()
