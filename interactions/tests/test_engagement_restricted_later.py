"""What was written about an engagement before it was restricted: emails that wait, drafts to the client."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from clients.engagements.models import Engagement
from clients.engagements.services.records import (
    add_to_team,
    remove_from_team,
    restrict_engagement,
    unrestrict_engagement,
)
from clients.invoices.services.overdue import tell_of_overdue
from clients.opportunities.services.outcomes import win_opportunity
from clients.revenue.services.contracts import update_contract
from crm.core.base.principals import acting
from crm.core.mail.models import OutboxMail
from interactions.agreements.models import Decision
from interactions.follow_ups.models import FollowUp
from interactions.progress.models import ProgressEmail
from interactions.progress.services import schedules
from interactions.progress.services.drafts import (
    approve_progress,
    draft_progress,
    edit_progress,
    include_decision,
    redraft_progress,
)
from interactions.reminders import digest
from interactions.reminders.digest import Line, Part
from interactions.reminders.emails import mail_digest
from interactions.reminders.models import Digest
from tools.testing.factories import interactions as make
from tools.testing.factories import onboarding
from tools.testing.factories.engagements import make_engagement
from tools.testing.factories.invoices import make_invoice
from tools.testing.factories.opportunities import make_opportunity, make_service

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)  # a Monday


@pytest.fixture
def mill(marta, northwind):
    return make_engagement(actor=marta, client=northwind, now=NOW)


def plan(marta, who, northwind, title, **fields):
    make.follow_up(actor=marta, client=northwind, title=title, assignee=who, due_date=NOW.date(), now=NOW, **fields)


def morning(who):
    return Digest.objects.create(user=who, date=NOW.date(), hour=7, time_zone="UTC", due_at=NOW)


def written_to(who):
    """Their morning email, in the outbox."""
    at = NOW + timedelta(hours=1)
    return mail_digest(row=morning(who), parts=digest.build(acting(who), at), now=at)


def state_of(mail):
    return OutboxMail.objects.get(pk=mail.pk).state


def test_a_morning_email_that_waits_is_taken_back_if_it_names_it(marta, otto, northwind, mill):
    plan(marta, otto, northwind, "Zirkon step", engagement=mill)
    named = written_to(otto)
    plan(marta, marta, northwind, "Something else")
    other = written_to(marta)
    assert "Zirkon step" in named.text and "Something else" in other.text
    restrict_engagement(acting(marta), engagement=mill, now=NOW)
    assert (state_of(named), state_of(other)) == ("cancelled", "pending")


def test_a_short_title_takes_back_no_email_about_something_else(marta, otto, northwind, mill):
    plan(marta, marta, northwind, "a", engagement=mill)
    plan(marta, otto, northwind, "Call about a matter")
    other = written_to(otto)
    assert "Call about a matter" in other.text
    restrict_engagement(acting(marta), engagement=mill, now=NOW)
    assert state_of(other) == "pending"


def test_one_whose_row_was_renamed_since_is_taken_back(marta, otto, northwind, mill):
    plan(marta, otto, northwind, "Zirkon step", engagement=mill)
    mail = written_to(otto)
    FollowUp.objects.update(title="Something harmless")
    restrict_engagement(acting(marta), engagement=mill, now=NOW)
    assert state_of(mail) == "cancelled"


def test_one_that_names_a_task_of_its_plan_is_taken_back(marta, otto, northwind, mill):
    version = onboarding.make_version(admin=onboarding.make_admin())
    task = onboarding.make_plan(client=northwind, version=version, engagement=mill).tasks.first()
    part = Part("Onboarding", [Line(task.title, about=task)])
    mail = mail_digest(row=morning(otto), parts=[part], now=NOW)
    restrict_engagement(acting(marta), engagement=mill, now=NOW)
    assert state_of(mail) == "cancelled"


def test_a_morning_email_that_tells_of_one_of_its_invoices_is_taken_back(marta, otto, northwind):
    day = NOW.date()
    sale = make_engagement(actor=marta, client=northwind, lead=otto, now=NOW)
    fields = {"invoice_date": day - timedelta(days=40), "due_date": day - timedelta(days=1), "engagement": sale}
    make_invoice(actor=marta, client=northwind, number="R-2026-77", **fields)
    tell_of_overdue(day, None)
    mail = written_to(marta)
    assert "R-2026-77" in mail.text
    restrict_engagement(acting(otto), engagement=sale, now=NOW)
    assert state_of(mail) == "cancelled"


def test_one_that_its_team_reads_stays(marta, otto, northwind, mill):
    add_to_team(acting(marta), engagement=mill, user=otto)
    plan(marta, otto, northwind, "Zirkon step", engagement=mill)
    mail = written_to(otto)
    restrict_engagement(acting(marta), engagement=mill, now=NOW)
    assert state_of(mail) == "pending"
    remove_from_team(acting(marta), seat=mill.seats.get())
    assert state_of(mail) == "cancelled"


def test_a_draft_to_the_client_forgets_it_and_an_edited_one_is_held(marta, northwind, mill):
    contact = make.make_person(northwind)
    schedules.set_schedule(acting(marta), client=northwind, recipients=[contact], now=NOW, is_review_needed=False)
    make.log(
        actor=marta,
        client=northwind,
        engagement=mill,
        occurred_at=NOW,
        now=NOW,
        decision="Zirkon goes on",
        decision_shared=True,
    )
    friday = NOW + timedelta(days=3)
    schedules.plan_progress(friday)
    email = draft_progress(email=ProgressEmail.objects.get(client=northwind), now=friday)
    assert "Zirkon" in repr(email.content)
    approve_progress(acting(marta), email=email, now=friday)
    restrict_engagement(acting(marta), engagement=mill, now=friday)
    email.refresh_from_db()
    assert "Zirkon" not in repr(email.content)
    assert (email.state, email.approved_at) == ("draft", None)
    unrestrict_engagement(acting(marta), engagement=mill, now=friday)
    email = redraft_progress(acting(marta), email=email, now=friday)
    assert "Zirkon" in repr(email.content)
    content = email.content | {"summary": "Zirkon is on its way."}
    edit_progress(acting(marta), email=email, subject="News", content=content, seen_version=None, now=friday)
    restrict_engagement(acting(marta), engagement=mill, now=friday)
    email.refresh_from_db()
    assert email.state == "held" and "restricted" in email.problem and "Zirkon" in repr(email.content)


@pytest.mark.parametrize(
    ("summary", "is_held"),
    [
        ("We speak of Sale of the mill tomorrow.", True),
        ("Wholesale of the mills", False),
        ("About 7 of 77 papers are here.", False),
    ],
)
def test_what_somebody_wrote_holds_it_only_where_it_names_the_engagement(marta, northwind, mill, summary, is_held):
    Engagement.objects.filter(pk=mill.pk).update(number="7")
    contact = make.make_person(northwind)
    schedules.set_schedule(acting(marta), client=northwind, recipients=[contact], now=NOW)
    friday = NOW + timedelta(days=3)
    schedules.plan_progress(friday)
    email = draft_progress(email=ProgressEmail.objects.get(client=northwind), now=friday)
    content = email.content | {"summary": summary}
    edit_progress(acting(marta), email=email, subject="News", content=content, seen_version=None, now=friday)
    restrict_engagement(acting(marta), engagement=mill, now=friday)
    email.refresh_from_db()
    assert (email.state == "held" and "restricted" in email.problem) is is_held


def test_a_draft_from_before_rows_were_kept_is_written_again(marta, northwind, mill):
    schedules.set_schedule(acting(marta), client=northwind, recipients=[make.make_person(northwind)], now=NOW)
    friday = NOW + timedelta(days=3)
    schedules.plan_progress(friday)
    email = draft_progress(email=ProgressEmail.objects.get(client=northwind), now=friday)
    ProgressEmail.objects.update(told_rows=None, content=email.content | {"summary": "Old"})
    restrict_engagement(acting(marta), engagement=mill, now=friday)
    email.refresh_from_db()
    assert email.told_rows == [] and email.content["summary"] != "Old"


def test_an_edited_one_from_before_rows_were_kept_is_held_although_a_decision_was_added_since(marta, northwind, mill):
    schedules.set_schedule(acting(marta), client=northwind, recipients=[make.make_person(northwind)], now=NOW)
    make.log(actor=marta, client=northwind, occurred_at=NOW, now=NOW, decision="We go on")
    friday = NOW + timedelta(days=3)
    schedules.plan_progress(friday)
    email = draft_progress(email=ProgressEmail.objects.get(client=northwind), now=friday)
    edit_progress(acting(marta), email=email, subject="News", content=email.content, seen_version=None, now=friday)
    ProgressEmail.objects.update(told_rows=None)
    include_decision(acting(marta), email=email, decision=Decision.objects.get(), now=friday)
    restrict_engagement(acting(marta), engagement=mill, now=friday)
    email.refresh_from_db()
    assert email.told_rows is None and email.state == "held"


@pytest.mark.parametrize("is_edited", [False, True])
def test_a_draft_that_tells_of_a_contract_forgets_what_was_won(marta, northwind, mill, is_edited):
    schedules.set_schedule(acting(marta), client=northwind, recipients=[make.make_person(northwind)], now=NOW)
    day, terms = NOW.date() + timedelta(days=9), {"with_contract": "new", "service": make_service()}
    deal = make_opportunity(actor=marta, client=northwind, title="Project Falcon", engagement=mill)
    deal = win_opportunity(acting(marta), opportunity=deal, now=NOW, value=Decimal(70), start_date=day, **terms)
    update_contract(acting(marta), contract=deal.made_contract, engagement=None)
    friday = NOW + timedelta(days=3)
    schedules.plan_progress(friday)
    email = draft_progress(email=ProgressEmail.objects.get(client=northwind), now=friday)
    assert "start of Project Falcon" in repr(email.content)
    if is_edited:
        content = email.content | {"summary": "All is well."}
        edit_progress(acting(marta), email=email, subject="News", content=content, seen_version=None, now=friday)
    approve_progress(acting(marta), email=email, now=friday)
    restrict_engagement(acting(marta), engagement=mill, now=friday)
    email.refresh_from_db()
    assert email.state == ("held" if is_edited else "draft")
    assert ("Falcon" in repr(email.content)) is is_edited and ("restricted" in email.problem) is is_edited
