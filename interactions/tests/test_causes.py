"""Each mail names the row it is about, and those of earlier versions were given theirs from their keys."""

from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from crm.core.base.principals import acting
from crm.core.mail import kinds
from crm.core.mail.models import OutboxMail, cause_kind
from crm.core.mail.services.outbox import queue_mail
from crm.core.people.services.invitations import invite
from crm.core.users.models import Invitation
from interactions.follow_ups.models import FollowUp
from interactions.progress.models import ProgressEmail
from interactions.reminders.models import Digest
from interactions.surveys.models import SurveyInvitation
from interactions.surveys.services import mailing
from interactions.surveys.services.answers import ensure_nps_survey
from tools.testing.factories.interactions import follow_up, make_person, make_user

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


@pytest.fixture
def rows(marta, northwind):
    """One row of each kind that causes mail."""
    elina = make_person(northwind)
    invite(acting(make_user(name="Aino Admin", roles=("admin",))), email="new@example.com", roles=["manager"], now=NOW)
    survey = ensure_nps_survey()
    (asked,) = mailing.ask_contacts(acting(marta), survey=survey, client=northwind, contacts=[elina], now=NOW)
    names = ("covers_from", "covers_to", "draft_at", "send_at", "deadline_at", "expires_at")
    times = {name: NOW + timedelta(hours=n) for n, name in enumerate(names)}
    return {
        "progress": ProgressEmail.objects.create(client=northwind, week="2026-W48", time_zone="UTC", **times),
        "follow-up": follow_up(actor=marta, client=northwind),
        "digest": Digest.objects.create(user=marta, date=NOW.date(), hour=8, time_zone="UTC", due_at=NOW),
        "survey": asked,
        "invitation": Invitation.objects.get(),
        "account": marta,
    }


def test_mails_of_earlier_versions_get_their_cause(rows, marta, northwind):
    keys = {
        f"progress:{northwind.pk}:7:2026-W48": ("progress", "progress"),
        f"progress:{northwind.pk}:7:2026-W48#2": ("progress", "progress"),
        f"progress-test:{rows['progress'].pk}:some-uuid": ("progress-test", "progress"),
        f"progress-review:{rows['progress'].pk}:send": ("progress-review", "progress"),
        f"{rows['survey'].key}#2": ("survey", "survey"),
        f"follow-up:{rows['follow-up'].pk}:1": ("follow-up", "follow-up"),
        f"digest:{marta.pk}:2026-11-25": ("digest", "digest"),
        f"invitation:{rows['invitation'].pk}:abc": ("invitation", "invitation"),
        "account:reset:some-uuid": ("account", "account"),
    }
    nothing = {
        f"progress:{northwind.pk}:7:2026-W01": "progress",
        "follow-up:99999999999999999999:1": "follow-up",
        "notification:1:2:3": "follow-up",
        "survey-test:some-uuid": "survey-test",
        "digest:abc:2026-11-25": "digest",
    }
    for key, kind in ({key: kind for key, (kind, _cause) in keys.items()} | nothing).items():
        user = marta if kind == "account" else None
        queue_mail(
            key=key, kind=kind, to_address="x@example.com", subject="S", text="T", client_id=northwind.pk, user=user
        )
    OutboxMail.objects.update(cause_kind="", cause_id=None)
    with connection.schema_editor() as editor:
        import_module("interactions.migrations.0008_causes_of_mails").fill(None, editor)
    found = {mail.key: (mail.cause_kind, mail.cause_id) for mail in OutboxMail.objects.all()}
    for key, (_kind, cause) in keys.items():
        assert found[key] == (cause_kind(rows[cause]), rows[cause].pk), key
    for key in nothing:
        assert found[key] == ("", None), key


def test_what_the_services_queue_names_its_cause(rows, marta):
    assert OutboxMail.objects.caused_by(rows["survey"]).get().kind == "survey"
    assert OutboxMail.objects.caused_by(rows["invitation"]).get().kind == "invitation"
    assert OutboxMail.objects.caused_by(SurveyInvitation).count() == 1
    assert not OutboxMail.objects.caused_by(FollowUp).exists()


def test_withdrawing_leaves_what_is_on_its_way(rows):
    mails = OutboxMail.objects.caused_by(rows["survey"])
    assert mails.withdraw("They have spoken", now=timezone.now() + timedelta(hours=1)) == 1
    mail = mails.get()
    assert (mail.state, mail.reply) == ("cancelled", "They have spoken")
    assert mails.withdraw("Once more", now=timezone.now()) == 0


def test_the_kinds_that_open_an_account_are_secret():
    assert kinds.secret() == {"account", "invitation", "reset", "login"}


def test_a_mail_without_its_cause_is_called_an_earlier_one(client, rows, marta):
    client.force_login(marta)
    mail = OutboxMail.objects.caused_by(rows["survey"]).get()
    url = reverse("core:outbox_mail", args=[mail.pk])
    assert "Earlier email" not in client.get(url).text
    OutboxMail.objects.filter(pk=mail.pk).update(cause_kind="", cause_id=None)
    assert "Earlier email" in client.get(url).text
