"""What happens to an opportunity: stages and the time in them, how it ends, money, pipelines."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from clients.opportunities.models import Opportunity, Stage
from clients.opportunities.services import outcomes, pipelines, records
from clients.revenue.models import Contract
from clients.signals import opportunity_won
from crm.core.base.errors import ServiceError, StaleWrite
from crm.core.base.principals import acting
from crm.core.notifications.models import Notification
from tools.testing.factories.clients import NOW, make_client, make_user
from tools.testing.factories.opportunities import make_contract, make_opportunity, make_service, stages

pytestmark = pytest.mark.django_db


@pytest.fixture
def client_row(marta):
    return make_client(owner=marta)


@pytest.fixture
def row(marta, client_row):
    return make_opportunity(actor=marta, client=client_row)


@pytest.fixture
def admin(firm):
    return make_user(name="Aino Admin", roles=("admin",))


def move(who, row, stage, now=NOW, **more):
    return records.move_opportunity(acting(who), opportunity=row, stage=stage, now=now, **more)


def test_it_begins_in_the_first_stage_with_its_probability_and_the_clients_owner(row, marta):
    row.refresh_from_db()
    assert (row.stage.name, row.probability, row.owner, row.currency) == ("Lead", 10, marta, "EUR")
    assert (row.value_firm, row.weighted_firm) == (Decimal("12000.00"), Decimal("1200.00"))


def test_each_move_ends_a_stay_and_begins_one(row, marta):
    lead, qualified, proposal, _last = stages()
    move(marta, row, qualified, NOW + timedelta(days=3))
    moved = move(marta, row, proposal, NOW + timedelta(days=10))
    found = [(stay.stage, stay.days(NOW + timedelta(days=12))) for stay in moved.stage_changes.all()]
    assert found == [(lead, 3), (qualified, 7), (proposal, 2)]
    assert (moved.probability, moved.stage_since) == (50, NOW + timedelta(days=10))


def test_a_stale_move_is_refused_and_leaves_everything(row, marta):
    records.update_opportunity(acting(marta), opportunity=row, title="Another title", now=NOW)
    with pytest.raises(StaleWrite):
        move(marta, row, stages()[1], seen_version=row.version)
    row.refresh_from_db()
    assert row.stage == stages()[0] and row.stage_changes.count() == 1


def test_a_probability_of_its_own_survives_a_move_and_none_takes_the_stages(row, marta):
    own = records.update_opportunity(acting(marta), opportunity=row, probability=90, now=NOW)
    moved = move(marta, own, stages()[2])
    assert moved.probability == 90
    freed = records.update_opportunity(acting(marta), opportunity=moved, probability=None, now=NOW)
    assert freed.probability == 50 and not freed.has_own_probability


def test_an_edit_that_was_begun_before_a_move_does_not_move_it_back(row, marta):
    seen = row.version
    move(marta, row, stages()[2], NOW + timedelta(days=1))
    records.update_opportunity(
        acting(marta), opportunity=row, seen_version=seen, stage=stages()[0], title="New title", now=NOW
    )
    row.refresh_from_db()
    assert (row.stage, row.title, row.probability) == (stages()[2], "New title", 50)
    assert row.stage_since == NOW + timedelta(days=1) and row.stage_changes.count() == 2


def test_a_foreign_amount_without_a_rate_is_refused(client_row, marta):
    with pytest.raises(ServiceError) as refused:
        make_opportunity(actor=marta, client=client_row, currency="NOK")
    assert refused.value.field == "rate"
    made = make_opportunity(actor=marta, client=client_row, currency="NOK", rate=Decimal("0.1"))
    made.refresh_from_db()
    assert made.value_firm == Decimal(1200)


def test_another_clients_contract_and_an_owner_who_cannot_see_it_are_refused(row, marta, otto):
    other = make_contract(actor=otto, client=make_client(owner=otto, name="Other"))
    for field, given in (("contract", {"contract": other}), ("owner", {"owner": make_user(name="None", roles=())})):
        with pytest.raises(ServiceError) as refused:
            records.update_opportunity(acting(marta), opportunity=row, now=NOW, **given)
        assert refused.value.field == field


def test_winning_makes_a_contract_tells_by_signal_and_reopening_takes_it_back(row, marta):
    told = []

    def hear(sender, opportunity, principal, now, **kwargs):
        told.append((opportunity.pk, opportunity.state, principal.user))

    opportunity_won.connect(hear)
    terms = {"service": make_service(), "value": Decimal(1000), "period": "month", "start_date": date(2026, 12, 1)}
    won = outcomes.win_opportunity(acting(marta), opportunity=row, now=NOW, with_contract="new", **terms)
    opportunity_won.disconnect(hear)
    assert told == [(row.pk, "won", marta)]
    made = Contract.objects.get()
    assert (won.made_contract, made.value, made.client_id) == (made, Decimal(1000), row.client_id)
    assert not won.stage_changes.filter(left_at=None).exists()
    again = outcomes.reopen_opportunity(acting(marta), opportunity=won, now=NOW + timedelta(days=1))
    made.refresh_from_db()
    assert (again.state, again.made_contract, made.is_archived) == ("open", None, True)
    assert again.stage_changes.filter(left_at=None).count() == 1


def test_winning_raises_a_contract_or_renews_it(marta, client_row):
    contract = make_contract(actor=marta, client=client_row, renewal_date=date(2027, 2, 1), is_auto_renewed=True)
    first = make_opportunity(actor=marta, client=client_row, contract=contract, kind="upsell")
    raised = outcomes.win_opportunity(
        acting(marta),
        opportunity=first,
        now=NOW,
        with_contract="price",
        value=Decimal(150),
        start_date=date(2026, 12, 1),
    )
    contract.refresh_from_db()
    assert contract.end_date == date(2026, 12, 1) and raised.made_contract.replaces == contract
    second = make_opportunity(actor=marta, client=client_row, contract=raised.made_contract, kind="renewal")
    with pytest.raises(ServiceError) as refused:
        outcomes.win_opportunity(acting(marta), opportunity=second, now=NOW, with_contract="renew")
    assert refused.value.field == "renewal_date"
    second.refresh_from_db()
    assert second.is_open
    outcomes.win_opportunity(
        acting(marta), opportunity=second, now=NOW, with_contract="renew", renewal_date=date(2028, 2, 1)
    )
    assert Contract.objects.get(pk=raised.made_contract.pk).renewal_date == date(2028, 2, 1)


def test_the_account_manager_hears_of_a_colleagues_win(row, marta, sini):
    outcomes.win_opportunity(acting(sini), opportunity=row, now=NOW)
    told = Notification.objects.get()
    assert told.user == marta and told.url == f"/clients/{row.client_id}/onboarding/start/"


def test_losing_asks_why(row, marta):
    with pytest.raises(ServiceError) as refused:
        outcomes.lose_opportunity(acting(marta), opportunity=row, reason="", now=NOW)
    assert refused.value.field == "reason"
    lost = outcomes.lose_opportunity(acting(marta), opportunity=row, reason="price", outcome_note="Too dear", now=NOW)
    assert (lost.state, lost.reason, lost.closed_at) == ("lost", "price", NOW)
    with pytest.raises(ServiceError):
        move(marta, lost, stages()[1])
    with pytest.raises(ServiceError):
        outcomes.win_opportunity(acting(marta), opportunity=lost, now=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        Opportunity.objects.filter(pk=row.pk).update(reason="")


def test_a_stage_is_removed_only_with_a_place_for_its_opportunities(row, admin, marta):
    lead, qualified, *_rest = stages()
    closed = make_opportunity(actor=marta, client=row.client, title="Closed")
    outcomes.lose_opportunity(acting(marta), opportunity=closed, reason="price", now=NOW)
    with pytest.raises(ServiceError) as refused:
        pipelines.remove_stage(acting(admin), stage=lead, to=lead, now=NOW)
    assert refused.value.field == "to"
    pipelines.remove_stage(acting(admin), stage=lead, to=qualified, now=NOW + timedelta(days=2))
    row.refresh_from_db()
    closed.refresh_from_db()
    assert row.stage == qualified and row.probability == 25
    assert closed.stage == lead and closed.stage_changes.get().stage.name == "Lead"
    again = outcomes.reopen_opportunity(acting(marta), opportunity=closed, now=NOW + timedelta(days=3))
    assert again.stage == qualified
    with pytest.raises(ServiceError):
        move(marta, row, Stage.objects.get(pk=lead.pk))


def test_a_stages_new_probability_reaches_its_open_opportunities(row, admin, marta):
    own = make_opportunity(actor=marta, client=row.client, probability=80)
    pipelines.update_stage(acting(admin), stage=row.stage, name="Lead", probability=15, rotting_days=5)
    assert set(Opportunity.objects.values_list("pk", "probability")) == {(row.pk, 15), (own.pk, 80)}


def test_only_admins_set_up_pipelines_and_the_last_one_stays(row, admin, sini):
    with pytest.raises(PermissionDenied):
        pipelines.create_pipeline(acting(sini), name="Partners")
    with pytest.raises(ServiceError):
        pipelines.archive_pipeline(acting(admin), pipeline=row.pipeline, now=NOW)
    with pytest.raises(ServiceError) as refused:
        pipelines.create_pipeline(acting(admin), name="sales")
    assert refused.value.field == "name"


def test_rotting_is_longer_than_the_stage_allows(row, marta):
    allowed = row.stage.rotting_days
    for days, is_late in ((allowed - 1, False), (allowed + 1, True)):
        now = NOW + timedelta(days=days)
        assert row.is_rotting(now) is is_late
        assert Opportunity.objects.rotting(now).filter(pk=row.pk).exists() is is_late
