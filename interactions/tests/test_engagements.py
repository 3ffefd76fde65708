"""The barrier of a restricted engagement: whoever is not on it sees nothing that names it, at any door."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clients.documents.models import Document, DocumentVersion
from clients.engagements.models import Engagement
from clients.engagements.services.records import (
    add_to_team,
    close_engagement,
    remove_from_team,
    restrict_engagement,
    unrestrict_engagement,
)
from clients.opportunities.models import Opportunity
from clients.page.timeline import Narrowing, timeline
from clients.records.services.clients import restrict_client
from crm.core.base.errors import ServiceError
from crm.core.base.principals import SYSTEM, acting
from crm.core.history import queries as history
from crm.core.mail.models import OutboxMail
from crm.core.mail.views.outbox import may_read
from crm.core.notifications.models import Notification
from crm.core.search import sources
from interactions.agreements.models import Commitment, Decision
from interactions.agreements.services import create_commitment
from interactions.follow_ups.models import FollowUp
from interactions.follow_ups.services import complete_follow_up, create_follow_up, reopen_follow_up, update_follow_up
from interactions.log.models import Interaction
from interactions.log.services import correct_interaction
from interactions.progress.sources import shared_decisions, shared_interactions
from interactions.recording.services import NextStep
from interactions.reminders.emails import remind
from interactions.reminders.services.reminders import send_reminders
from tools.testing.factories.documents import make_document
from tools.testing.factories.engagements import make_engagement
from tools.testing.factories.interactions import NOW, follow_up, log
from tools.testing.factories.opportunities import make_opportunity

pytestmark = pytest.mark.django_db
NAMING = (Interaction, FollowUp, Decision, Commitment, Document, Opportunity)


@pytest.fixture
def mill(marta, northwind):
    return make_engagement(actor=marta, client=northwind, title="Sale of the mill", now=NOW)


@pytest.fixture
def rows(marta, northwind, mill):
    """One of each kind that names it, every text with the word Zirkon in it."""
    spoken = log(
        actor=marta,
        client=northwind,
        engagement=mill,
        subject="Zirkon call",
        decision="Zirkon goes on",
        visibility="shared",
        decision_shared=True,
        next_step=NextStep("Zirkon next step", NOW.date() + timedelta(days=2)),
    )
    promise = create_commitment(acting(marta), client=northwind, text="Zirkon draft", engagement=mill)
    return {
        "interaction": spoken,
        "commitment": promise,
        "document": make_document(actor=marta, client=northwind, title="Zirkon letter", engagement=mill),
        "opportunity": make_opportunity(actor=marta, client=northwind, title="Zirkon deal", engagement=mill),
    }


def seen_by(user, model):
    return list(model.objects.visible_to(acting(user)))


def test_what_comes_of_a_conversation_names_the_same_engagement(rows, mill):
    assert all(model.objects.get().engagement == mill for model in NAMING)


def test_a_restricted_one_hides_every_row_that_names_it(marta, otto, manager, rows, mill):
    for model in (*NAMING, DocumentVersion, Engagement):
        assert seen_by(otto, model) and seen_by(manager, model), model
    restrict_engagement(acting(marta), engagement=mill, now=NOW)
    for model in (*NAMING, DocumentVersion, Engagement):
        assert not seen_by(otto, model) and not seen_by(manager, model), model
        assert seen_by(marta, model), model
    seat = add_to_team(acting(marta), engagement=mill, user=otto)
    assert all(seen_by(otto, model) for model in (*NAMING, DocumentVersion, Engagement))
    remove_from_team(acting(marta), seat=seat)
    assert not any(seen_by(otto, model) for model in NAMING)
    unrestrict_engagement(acting(marta), engagement=mill, now=NOW)
    assert all(seen_by(manager, model) for model in NAMING)


def test_it_never_shows_what_the_client_hides(marta, otto, northwind, rows, mill):
    add_to_team(acting(marta), engagement=mill, user=otto)
    restrict_client(acting(marta), client=northwind)
    assert not any(seen_by(otto, model) for model in (*NAMING, DocumentVersion, Engagement))
    restrict_engagement(acting(marta), engagement=mill, now=NOW)
    assert not any(seen_by(otto, model) for model in (*NAMING, DocumentVersion, Engagement))


def test_pages_lists_search_files_and_api_are_silent(client, marta, manager, northwind, rows, mill):
    restrict_engagement(acting(marta), engagement=mill, now=NOW)
    shared = [
        "/interactions/",
        "/follow-ups/?who=all",
        "/opportunities/?show=all",
        "/documents/",
        "/engagements/?show=all",
    ]
    lists = [*shared, f"/clients/{northwind.pk}/", f"/clients/{northwind.pk}/agreed/"]
    lists += [f"/clients/{northwind.pk}/documents/", "/interactions/export/", "/opportunities/export/?show=all"]
    names = ("interactions", "follow-ups", "commitments", "documents", "opportunities", "engagements")
    lists += [f"/api/v1/{name}/" for name in names]
    version = rows["document"].versions.get()
    doors = [
        f"/interactions/{rows['interaction'].pk}/",
        f"/follow-ups/{FollowUp.objects.get().pk}/",
        f"/opportunities/{rows['opportunity'].pk}/",
        f"/documents/{rows['document'].pk}/",
        f"/documents/{rows['document'].pk}/versions/{version.number}/file/",
        f"/engagements/{mill.pk}/",
        f"/api/v1/documents/{rows['document'].pk}/file/",
        f"/api/v1/engagements/{mill.pk}/",
    ]

    def text(url):
        answer = client.get(url)
        assert answer.status_code == 200, url
        return b"".join(answer.streaming_content).decode() if answer.streaming else answer.content.decode()

    client.force_login(marta)
    assert all("Zirkon" in text(url) or "mill" in text(url) for url in lists)
    assert all(client.get(url).status_code == 200 for url in doors)
    client.force_login(manager)
    for url in lists:
        page = text(url)
        assert "Zirkon" not in page and "mill" not in page and mill.number not in page, url
    assert [client.get(url).status_code for url in doors] == [404] * len(doors)
    assert client.get(f"/interactions/?engagement={mill.pk}").status_code == 200
    for step in sources.STEPS:
        assert sources.find(acting(manager), "zirkon", step) == [] == sources.find(acting(manager), "mill", step)
    assert sources.find(acting(marta), "zirkon") and sources.find(acting(marta), "zirkon", sources.TEXTS)


def test_facts_that_everyone_reads_are_made_without_it(marta, otto, northwind, rows, mill):
    log(actor=marta, client=northwind, body="Another call", occurred_at=NOW - timedelta(days=9))
    northwind.facts.refresh_from_db()
    assert northwind.facts.last_contact_at == NOW and northwind.facts.open_follow_ups == 1
    restrict_engagement(acting(marta), engagement=mill, now=NOW)
    northwind.facts.refresh_from_db()
    assert northwind.facts.last_contact_at == NOW - timedelta(days=9)
    assert (northwind.facts.open_follow_ups, northwind.facts.next_step_id) == (0, None)
    follow_up(actor=marta, client=northwind, engagement=mill, title="Hidden too")
    northwind.facts.refresh_from_db()
    assert northwind.facts.open_follow_ups == 0
    unrestrict_engagement(acting(marta), engagement=mill, now=NOW)
    northwind.facts.refresh_from_db()
    assert northwind.facts.last_contact_at == NOW and northwind.facts.open_follow_ups == 2


def test_history_stays_hidden_after_the_row_no_longer_names_it(marta, manager, northwind, rows, mill):
    restrict_engagement(acting(marta), engagement=mill, now=NOW)
    correct_interaction(
        acting(marta), interaction=rows["interaction"], now=NOW, engagement=None, subject="A call", body="About tax"
    )
    step = FollowUp.objects.get()
    update_follow_up(acting(marta), follow_up=step, now=NOW, engagement=None, title="Call again")
    assert rows["interaction"] in seen_by(manager, Interaction) and step in seen_by(manager, FollowUp)
    for label in ("interactions.interaction", "interactions.followup", "interactions.decision"):
        mine, theirs = history.read(acting(marta), label=label), history.read(acting(manager), label=label)
        assert "Zirkon" in repr(mine.entries), label
        assert "Zirkon" not in repr(theirs.entries), label


def test_mail_about_it_reaches_only_those_who_see_it(marta, otto, manager, northwind, mill):
    add_to_team(acting(marta), engagement=mill, user=otto)
    for who in (otto, marta):
        who.reminders = "each"
        who.save()
        follow_up(
            actor=marta, client=northwind, engagement=mill, title="Zirkon step", assignee=who, due_date=NOW.date()
        )
    later = NOW + timedelta(hours=9)
    restrict_engagement(acting(marta), engagement=mill, now=NOW)
    assert Notification.objects.visible_to(acting(otto)).filter(text__contains="Zirkon").exists()
    remove_from_team(acting(marta), seat=mill.seats.get())
    assert not Notification.objects.visible_to(acting(otto)).filter(text__contains="Zirkon").exists()
    send_reminders(later)
    mails = OutboxMail.objects.filter(kind="follow-up")
    assert [mail.user for mail in mails] == [marta]
    assert list(OutboxMail.objects.visible_to(acting(marta)).filter(pk__in=mails))
    assert not OutboxMail.objects.visible_to(acting(manager)).filter(pk__in=mails).exists()
    unrestrict_engagement(acting(marta), engagement=mill, now=NOW)
    assert OutboxMail.objects.visible_to(acting(manager)).filter(pk__in=mails).exists()


def test_emails_to_the_client_say_nothing_of_it(marta, northwind, rows, mill):
    span = (NOW - timedelta(days=1), NOW + timedelta(days=1))
    assert "Zirkon" in repr([shared_interactions(northwind, *span), shared_decisions(northwind, *span)])
    restrict_engagement(acting(marta), engagement=mill, now=NOW)
    assert "Zirkon" not in repr([shared_interactions(northwind, *span), shared_decisions(northwind, *span)])


def test_a_row_names_an_engagement_of_its_own_client(factories, marta, otto, northwind, mill):
    other = factories.make_client(owner=marta, name="Eastwind")
    for make in (
        lambda: log(actor=marta, client=other, engagement=mill),
        lambda: follow_up(actor=marta, client=other, engagement=mill),
        lambda: create_commitment(acting(marta), client=other, text="A draft", engagement=mill),
        lambda: make_document(actor=marta, client=other, engagement=mill),
        lambda: make_opportunity(actor=marta, client=other, engagement=mill),
    ):
        with pytest.raises(ServiceError) as refused:
            make()
        assert refused.value.field == "engagement"
    restrict_engagement(acting(marta), engagement=mill, now=NOW)
    with pytest.raises(ServiceError, match="Choose one of this client"):
        follow_up(actor=otto, client=northwind, engagement=mill)
    with pytest.raises(ServiceError, match="Otto Berg cannot see this"):
        follow_up(actor=marta, client=northwind, engagement=mill, assignee=otto)


def test_a_repeating_follow_up_stays_with_it(marta, northwind, mill):
    row = follow_up(actor=marta, client=northwind, engagement=mill, rrule="FREQ=WEEKLY")
    complete_follow_up(acting(marta), follow_up=row, now=NOW)
    assert FollowUp.objects.open().get().engagement == mill


def test_its_page_has_its_own_timeline_and_what_is_logged_there_carries_it(client, marta, northwind, rows, mill):
    log(actor=marta, client=northwind, subject="About something else")
    told = timeline(acting(marta), northwind, narrowing=Narrowing(engagement_id=mill.pk), now=NOW)
    titles = [item.title for _heading, items in told.groups for item in items]
    assert any("Zirkon call" in title for title in titles) and any("Zirkon letter" in title for title in titles)
    assert not any("something else" in title for title in titles)
    client.force_login(marta)
    page = client.get(f"/engagements/{mill.pk}/").content.decode()
    assert "Zirkon call" in page and "something else" not in page and "Zirkon next step" in page
    url = f"/clients/{northwind.pk}/log/?engagement={mill.pk}"
    assert url in page
    data = {"channel": "phone", "body": "From its page", "occurred_at": "2026-11-18T10:00", "direction": "both"}
    client.post(url, data | {"visibility": "firm", "engagement": mill.pk})
    assert Interaction.objects.get(body="From its page").engagement == mill
    dialog = client.get(f"/clients/{northwind.pk}/follow-ups/new/?engagement={mill.pk}").content.decode()
    assert f'value="{mill.pk}" selected' in dialog
    upload = client.get(f"/clients/{northwind.pk}/documents/?engagement={mill.pk}").content.decode()
    assert f'value="{mill.pk}" selected' in upload


def test_closing_asks_about_what_is_still_open(client, marta, northwind, rows, mill):
    client.force_login(marta)
    url, data = f"/engagements/{mill.pk}/close/", {"closed_date": "2026-11-18", "version": mill.version}
    asked = client.post(url, data)
    assert asked.status_code == 422 and "1 follow-up" in asked.content.decode()
    assert "1 commitment" in asked.content.decode()
    mill.refresh_from_db()
    assert mill.state == "open"
    field = asked.context["form"].data["asked"]
    assert client.post(url, data | {"asked": field}).status_code == 302
    mill.refresh_from_db()
    assert (mill.state, str(mill.closed_date)) == ("closed", "2026-11-18")
    assert FollowUp.objects.get().state == "open"


def test_the_gate_is_one_sub_select_that_a_row_without_an_engagement_never_runs(marta, northwind):
    log(actor=marta, client=northwind)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert len(seen_by(marta, Interaction)) == 1
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) " + asked.captured_queries[-1]["sql"])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "never executed" in plan


def test_closing_twice_is_refused(marta, mill):
    close_engagement(acting(marta), engagement=mill, now=NOW)
    with pytest.raises(ServiceError):
        close_engagement(SYSTEM, engagement=mill, now=NOW)


def test_a_mail_of_notifications_is_its_addressees(marta, otto, manager, northwind, mill):
    """Somebody was given a follow-up of a restricted one: whoever sees the client reads neither its title nor the mail."""
    add_to_team(acting(marta), engagement=mill, user=otto)
    otto.reminders = "each"
    otto.save()
    restrict_engagement(acting(marta), engagement=mill, now=NOW)
    follow_up(actor=marta, client=northwind, engagement=mill, title="Zirkon step", assignee=otto)
    news = list(Notification.objects.filter(user=otto))
    mail = remind(otto, [], news, now=NOW)
    assert "Zirkon" in mail.text and "Zirkon" not in mail.subject and mail.client_id is None
    assert not OutboxMail.objects.visible_to(acting(manager)).filter(pk=mail.pk).exists()
    assert not may_read(acting(manager), mail) and may_read(acting(otto), mail)


def test_a_next_step_of_a_conversation_stays_with_its_engagement(client, marta, northwind, rows, mill):
    client.force_login(marta)
    url = reverse("interactions:follow-up-create", args=[northwind.pk]) + f"?interaction={rows['interaction'].pk}"
    page = client.get(url)
    form = page.context["form"]
    assert form["engagement"].value() == mill.pk
    mill.__class__.objects.filter(pk=mill.pk).update(state="closed", closed_date=NOW.date())
    assert client.get(url).context["form"]["engagement"].value() == mill.pk
    assert str(mill.pk) in [str(key) for key, _label in client.get(url).context["form"].fields["engagement"].choices]


def test_what_came_of_a_conversation_goes_with_it_into_another(marta, northwind, rows):
    other = make_engagement(actor=marta, client=northwind, title="Other", now=NOW)
    untouched = create_follow_up(
        acting(marta), client=northwind, title="Elsewhere", due_date=NOW.date(), assignee=marta, now=NOW
    )
    correct_interaction(acting(marta), interaction=rows["interaction"], now=NOW, engagement=other)
    planned = FollowUp.objects.get(source_id=rows["interaction"].pk)
    assert planned.engagement == Decision.objects.get().engagement == other
    untouched.refresh_from_db()
    assert untouched.engagement is None


def test_what_was_planned_stays_with_an_assignee_who_would_not_see_it(marta, otto, northwind):
    spoken = log(
        actor=marta, client=northwind, subject="Call", next_step=NextStep("Call back", NOW.date() + timedelta(days=2))
    )
    planned = FollowUp.objects.get()
    update_follow_up(acting(marta), follow_up=planned, now=NOW, assignee=otto)
    secret = make_engagement(actor=marta, client=northwind, title="Secret", now=NOW)
    restrict_engagement(acting(marta), engagement=secret, now=NOW)
    correct_interaction(acting(marta), interaction=spoken, now=NOW, engagement=secret)
    planned.refresh_from_db()
    assert planned.engagement is None and planned in seen_by(otto, FollowUp)


def test_a_follow_up_that_moves_counts_as_edited_and_leaves_the_facts(marta, northwind):
    spoken = log(
        actor=marta, client=northwind, subject="Call", next_step=NextStep("Call back", NOW.date() + timedelta(days=2))
    )
    planned, secret = FollowUp.objects.get(), make_engagement(actor=marta, client=northwind, title="Secret", now=NOW)
    restrict_engagement(acting(marta), engagement=secret, now=NOW)
    correct_interaction(acting(marta), interaction=spoken, now=NOW, engagement=secret)
    moved = FollowUp.objects.get()
    assert moved.engagement == secret and moved.version == planned.version + 1
    northwind.facts.refresh_from_db()
    assert (northwind.facts.open_follow_ups, northwind.facts.next_step_id) == (0, None)


def test_a_commitment_goes_with_its_decision(marta, northwind, rows, mill):
    decided = Decision.objects.get(engagement=mill)
    made = create_commitment(acting(marta), client=northwind, text="A draft", decision=decided)
    assert made.engagement == mill
    other = make_engagement(actor=marta, client=northwind, title="Other", now=NOW)
    with pytest.raises(ServiceError, match="belongs to something else"):
        create_commitment(acting(marta), client=northwind, text="x", decision=decided, engagement=other)


def test_reopening_takes_back_the_repeat_of_its_own_engagement(marta, northwind, mill):
    own = follow_up(actor=marta, client=northwind, title="Monthly call", rrule="FREQ=MONTHLY")
    inside = follow_up(actor=marta, client=northwind, title="Monthly call", rrule="FREQ=MONTHLY", engagement=mill)
    for row in (inside, own):
        complete_follow_up(acting(marta), follow_up=row, now=NOW)
    reopen_follow_up(acting(marta), follow_up=own, now=NOW)
    assert FollowUp.objects.open().filter(engagement=mill).count() == 1


def test_a_notification_about_a_document_goes_with_it(marta, otto, northwind, mill):
    letter = make_document(actor=marta, client=northwind, title="Zirkon letter", engagement=mill)
    url = letter.get_absolute_url()
    Notification.objects.create(user=otto, client_id=northwind.pk, key="x", kind="x", text="Zirkon letter", url=url)
    mine = Notification.objects.visible_to(acting(otto)).filter(text="Zirkon letter")
    assert mine.exists()
    restrict_engagement(acting(marta), engagement=mill, now=NOW)
    assert not mine.all().exists()
