"""Notices about overdue invoices, expiring documents and progress emails to check also go to who covers for the account manager: once each,
and not about what the covering colleague does not see."""

from datetime import UTC, date, datetime, timedelta

import pytest

from clients.cover.services import arrange_cover, end_cover
from clients.documents.services import archive_document, restore_document, send_expiry_reminders, update_document
from clients.engagements.services.records import restrict_engagement
from clients.invoices.services.overdue import tell_of_overdue
from clients.invoices.services.payments import record_payment
from clients.records.services.clients import reassign_clients, restrict_client
from crm.core.base.principals import SYSTEM, acting
from crm.core.firm.choices import AccountManagersSee
from crm.core.firm.models import FirmSettings
from crm.core.firm.queries import forget_firm
from crm.core.mail.models import OutboxMail
from crm.core.notifications.models import Notification
from interactions.progress.models import ProgressEmail
from interactions.progress.services import drafts, schedules, sending
from tools.testing.factories import interactions as make
from tools.testing.factories.documents import make_document
from tools.testing.factories.engagements import make_engagement
from tools.testing.factories.invoices import make_invoice

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)  # a Wednesday
TODAY = NOW.date()


@pytest.fixture(autouse=True)
def own_clients_only(firm, time_machine):
    time_machine.move_to(NOW, tick=False)
    FirmSettings.objects.update(account_managers_see=AccountManagersSee.OWN)
    forget_firm()


@pytest.fixture
def cover(marta, otto):
    return arrange_cover(
        acting(marta), absent=marta, covering=otto, start_date=TODAY, end_date=TODAY + timedelta(days=5), now=NOW
    )


def overdue(marta, client, **fields):
    given = {"number": "INV-1", "invoice_date": date(2026, 10, 1), "due_date": TODAY - timedelta(days=1)} | fields
    make_invoice(actor=marta, client=client, **given)
    return lambda: tell_of_overdue(TODAY, None)


def expiring(marta, client, **fields):
    make_document(actor=marta, client=client, name="passport.pdf", expiry_date=TODAY + timedelta(days=9), **fields)
    return lambda: send_expiry_reminders(TODAY)


def told(kind=""):
    rows = Notification.objects.filter(kind__startswith=kind).exclude(kind="cover").order_by("pk")
    return [(row.user.name, row.text) for row in rows]


def names(kind=""):
    return [name for name, _text in told(kind)]


@pytest.mark.parametrize("about", [overdue, expiring])
def test_both_are_told_once(marta, otto, northwind, cover, about):
    tell = about(marta, northwind)
    assert [tell(), tell()] == [1, 0]
    (first, text), (second, other) = told()
    assert (first, second) == ("Marta Kallio", "Otto Berg")
    assert other == f"{text} · for Marta Kallio"
    assert Notification.objects.visible_to(acting(otto)).exclude(kind="cover").count() == 1


@pytest.mark.parametrize("about", [overdue, expiring])
def test_of_several_the_one_who_was_asked_first(factories, marta, otto, northwind, cover, about):
    more = {"start_date": TODAY, "end_date": TODAY + timedelta(days=9), "now": NOW}
    arrange_cover(acting(marta), absent=marta, covering=factories.make_user(name="Sini"), **more)
    about(marta, northwind)()
    assert names() == ["Marta Kallio", "Otto Berg"]


@pytest.mark.parametrize("about", [overdue, expiring])
def test_nobody_after_the_cover_or_before_it_is_arranged(marta, otto, northwind, cover, about):
    end_cover(acting(marta), cover=cover, now=NOW)
    tell = about(marta, northwind)
    tell()
    arrange_cover(
        acting(marta), absent=marta, covering=otto, start_date=TODAY, end_date=TODAY + timedelta(days=5), now=NOW
    )
    assert tell() == 0 and names() == ["Marta Kallio"], "it was told when nobody covered"


@pytest.mark.parametrize("about", [overdue, expiring])
def test_not_about_a_restricted_client(marta, otto, northwind, cover, about):
    restrict_client(acting(marta), client=northwind)
    about(marta, northwind)()
    assert names() == ["Marta Kallio"]


@pytest.mark.parametrize("about", [overdue, expiring])
def test_not_about_a_restricted_engagement(marta, otto, northwind, cover, about):
    engagement = make_engagement(actor=marta, client=northwind, lead=marta)
    restrict_engagement(acting(marta), engagement=engagement, now=NOW)
    about(marta, northwind, engagement=engagement)()
    assert names() == ["Marta Kallio"]


def test_who_covered_and_takes_the_client_over_is_not_told_again(marta, otto, northwind, cover):
    tell = expiring(marta, northwind)
    tell()
    reassign_clients(SYSTEM, clients=[northwind], owner=otto)
    tell()
    assert names("document") == ["Marta Kallio", "Otto Berg"]


def test_what_is_paid_closes_both(marta, northwind, cover):
    overdue(marta, northwind)()
    row = northwind.invoices.get()
    record_payment(acting(marta), invoice=row, amount=row.gross, paid_date=TODAY, today=TODAY)
    assert not Notification.objects.filter(kind="invoice-overdue", read_at=None).exists()


def unread():
    return Notification.objects.filter(kind="document", read_at=None).count()


def test_a_document_that_is_archived_or_gets_another_day_closes_its_notices(marta, northwind, cover):
    expiring(marta, northwind)()
    row = northwind.documents.get()
    archive_document(acting(marta), document=row, now=NOW)
    assert unread() == 0
    row.refresh_from_db()
    restore_document(acting(marta), document=row)
    assert unread() == 2
    row.refresh_from_db()
    day = row.expiry_date
    update_document(acting(marta), document=row, expiry_date=date(2028, 1, 1))
    assert unread() == 0
    update_document(acting(marta), document=row, title="Passport of the owner")
    assert unread() == 0
    update_document(acting(marta), document=row, expiry_date=day)
    assert unread() == 2


def test_a_notice_of_a_document_that_slipped_through_is_closed_by_the_next_run(marta, northwind, cover):
    tell = expiring(marta, northwind)
    tell()
    northwind.documents.update(expiry_date=None)
    tell()
    assert unread() == 0


# Progress emails


@pytest.fixture
def email(marta, northwind):
    contact = make.make_person(northwind)
    schedules.set_schedule(acting(marta), client=northwind, recipients=[contact], now=NOW)
    schedules.plan_progress(NOW + timedelta(days=1))
    return ProgressEmail.objects.get(client=northwind)


def test_a_progress_email_to_check_is_told_to_both_and_approving_it_closes_both(
    marta, otto, email, cover, time_machine
):
    time_machine.move_to(email.draft_at, tick=False)
    for _run in range(2):
        sending.run_progress(email.draft_at)
    assert names("progress") == ["Marta Kallio", "Otto Berg"]
    email.refresh_from_db()
    drafts.approve_progress(acting(otto), email=email, now=email.draft_at)
    assert not Notification.objects.filter(kind="progress-flag", read_at=None).exists()


def test_one_that_is_held_is_mailed_to_both_once(marta, otto, email, cover, time_machine):
    for moment in (email.draft_at, email.send_at, email.send_at, email.deadline_at - timedelta(minutes=50)):
        time_machine.move_to(moment, tick=False)
        sending.run_progress(moment)
    mails = OutboxMail.objects.filter(kind="progress-review").order_by("pk")
    assert [(mail.user.name, mail.key.split(":")[2]) for mail in mails] == [
        ("Marta Kallio", "send"),
        ("Otto Berg", "send"),
        ("Marta Kallio", "deadline"),
        ("Otto Berg", "deadline"),
    ]
    assert "You cover for Marta Kallio." in mails[1].text and "You cover" not in mails[0].text
    assert "Hello Otto Berg" in mails[1].text


def test_a_broken_one_of_a_restricted_client_is_told_to_its_account_manager_alone(
    marta, otto, northwind, email, cover, time_machine
):
    restrict_client(acting(marta), client=northwind)
    time_machine.move_to(email.draft_at, tick=False)
    sending.run_progress(email.draft_at)
    ProgressEmail.objects.update(content={"sections": 1})
    time_machine.move_to(email.send_at, tick=False)
    sending.run_progress(email.send_at)
    assert set(names("progress")) == {"Marta Kallio"}
    assert {mail.user for mail in OutboxMail.objects.filter(kind="progress-review")} == {marta}
