"""The pages without script: they work, they refuse with the typed values kept, they cost what they are pinned to."""

import re
from datetime import date, timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from clients.records.services.clients import archive_client
from clients.registry import TimelineAsk
from crm.core.base.principals import acting
from crm.core.firm import queries
from crm.core.notifications.models import Notification
from crm.core.search import sources as search
from crm.core.ui import navigation
from onboarding import emails, panels
from onboarding.models import Plan, Template, TemplateVersion
from onboarding.services.drafts import add_task, remove_task, update_task
from onboarding.services.plans import update_plan
from onboarding.services.tasks import block_task, change_due, comment_task, finish_task, skip_task
from onboarding.services.templates import edit_version, update_template
from tools.testing.factories.onboarding import MONDAY, at, make_client, make_plan, make_template, make_user, task


@pytest.fixture
def as_admin(client, admin):
    client.force_login(admin)
    return client


@pytest.fixture
def as_marta(client, marta):
    client.force_login(marta)
    return client


@pytest.fixture
def draft(admin):
    return make_template(admin=admin, name="Audit client")


def post(browser, url_name, *args, **data):
    return browser.post(reverse(f"onboarding:{url_name}", args=args), data)


def text(response):
    return response.content.decode()


@pytest.mark.parametrize(("url_name", "most"), [("phase_add", 120), ("task_add", 200)])
def test_a_name_that_is_too_long_is_kept_and_said_beside_it(as_admin, draft, url_name, most):
    phase = draft.phases.first()
    answer = post(as_admin, url_name, draft.pk if url_name == "phase_add" else phase.pk, name="n" * 300)
    assert answer.status_code == 422 and text(answer).count(f'value="{"n" * 300}"') == 1
    assert text(answer).count(f"At most {most} characters. This has 300.") == 1


def test_a_template_is_built_without_script(as_admin):
    assert post(as_admin, "template_create", name="Payroll").status_code == 302
    version = TemplateVersion.objects.get()
    assert post(as_admin, "phase_add", version.pk, name="Agree").status_code == 302
    assert post(as_admin, "phase_add", version.pk, name="Set up").status_code == 302
    agree, setup = version.phases.all()
    post(as_admin, "task_add", agree.pk, name="Kickoff")
    post(as_admin, "task_add", agree.pk, name="Letter")
    kickoff, letter = version.tasks.all()
    fields = {
        "title": "Letter signed",
        "owner_side": "client",
        "owner_role": "Signer",
        "offset_days": 3,
        "after": kickoff.pk,
        "version": letter.version,
    }
    assert post(as_admin, "template_task", letter.pk, **fields).status_code == 302
    letter.refresh_from_db()
    assert (letter.title, letter.after, letter.is_mandatory, letter.is_client_visible) == (
        "Letter signed",
        kickoff,
        False,
        True,
    )
    post(as_admin, "template_task_move", letter.pk, where="up")
    assert [t.title for t in agree.tasks.all()] == ["Letter signed", "Kickoff"]
    post(as_admin, "template_task_move", letter.pk, where=setup.pk)
    post(as_admin, "phase_move", setup.pk, where="up")
    assert [t.title for t in version.tasks.all()] == ["Letter signed", "Kickoff"]
    post(as_admin, "phase_rename", setup.pk, name="Prepare")
    post(as_admin, "template_task_remove", kickoff.pk)
    assert version.tasks.count() == 1
    post(as_admin, "version_undo", version.pk)
    assert version.tasks.count() == 2
    assert "Letter signed" in text(as_admin.get(reverse("onboarding:version_preview", args=[version.pk])))
    assert post(as_admin, "version_publish", version.pk).status_code == 302
    version.refresh_from_db()
    assert version.state == "published"
    assert post(as_admin, "template_draft", version.template_id).status_code == 302
    assert version.template.versions.count() == 2


def test_invalid_task_keeps_what_was_typed(as_admin, draft):
    row = draft.tasks.first()
    response = post(as_admin, "template_task", row.pk, title="Half-typed title", owner_side="firm", offset_days="-4")
    assert response.status_code == 422
    assert "Half-typed title" in text(response)
    row.refresh_from_db()
    assert row.title == "Kickoff meeting"


def test_circle_is_told_beside_the_field(as_admin, draft):
    letter, access = (
        draft.tasks.get(title="Engagement letter signed"),
        draft.tasks.get(title="Access to accounting system"),
    )
    response = post(
        as_admin, "template_task", letter.pk, title=letter.title, owner_side="client", offset_days=1, after=access.pk
    )
    assert response.status_code == 422 and "depend on each other" in text(response)


def test_stale_task_is_409_with_what_was_typed(as_admin, draft, admin):
    row = draft.tasks.first()
    update_task(acting(admin), task=row, title="Theirs", seen_version=row.version)
    response = post(
        as_admin, "template_task", row.pk, title="Mine", owner_side="firm", offset_days=1, version=row.version
    )
    assert response.status_code == 409 and "Mine" in text(response)


def test_published_version_is_only_read(as_admin, payroll):
    page = text(as_admin.get(reverse("onboarding:version", args=[payroll.pk])))
    assert "Edit as new version" in page and "Type a task" not in page
    assert post(as_admin, "task_add", payroll.phases.first().pk, name="New").status_code == 409


def test_a_dragged_row_is_put_where_it_was_dropped(as_admin, draft):
    agree, setup, _first = draft.phases.all()
    kickoff = agree.tasks.first()
    order = [row.pk for row in setup.tasks.all()]
    order.insert(1, kickoff.pk)
    assert post(as_admin, "task_order", setup.pk, ids=order, moved=kickoff.pk).status_code == 204
    assert [row.pk for row in setup.tasks.all()] == order
    assert post(as_admin, "task_order", setup.pk, ids=order, moved=1).status_code == 404


def test_a_draft_changed_meanwhile_is_not_published_unseen(as_admin, admin, draft):
    draft.refresh_from_db()
    add_task(acting(admin), phase=draft.phases.first(), title="Slipped in")
    assert post(as_admin, "version_publish", draft.pk, version=draft.version).status_code == 409
    draft.refresh_from_db()
    assert draft.is_draft


def test_htmx_gets_the_builder_alone(as_admin, draft):
    response = as_admin.post(
        reverse("onboarding:task_add", args=[draft.phases.first().pk]), {"name": "New"}, headers={"HX-Request": "true"}
    )
    assert response.status_code == 200 and text(response).lstrip().startswith('<div id="builder"')


def test_differences_are_summed_up_before_publishing(as_admin, admin, payroll):
    draft = edit_version(acting(admin), template=payroll.template)
    update_task(acting(admin), task=draft.tasks.get(title="Conflict check"), offset_days=2)
    add_task(acting(admin), phase=draft.phases.first(), title="Identity check")
    remove_task(acting(admin), task=draft.tasks.get(title="Review with client"))
    page = text(as_admin.get(reverse("onboarding:version_publish", args=[draft.pk])))
    for words in ("Identity check", "Review with client", "Day 0 → Day 2"):
        assert words in page
    assert "Engagement letter" not in page


def test_account_managers_read_published_templates_only(as_marta, payroll, draft):
    assert as_marta.get(reverse("onboarding:version", args=[payroll.pk])).status_code == 200
    assert as_marta.get(reverse("onboarding:version", args=[draft.pk])).status_code == 404
    assert "Audit client" not in text(as_marta.get(reverse("onboarding:templates")))
    assert post(as_marta, "template_draft", payroll.template_id).status_code == 403
    assert Template.objects.get(pk=payroll.template_id).versions.count() == 1


def test_a_plan_is_started_after_a_look_at_its_dates(as_marta, northwind, payroll, marta):
    address = reverse("onboarding:start", args=[northwind.pk])
    values = {"template_version": payroll.pk, "kickoff_date": "2026-12-07", "owner": marta.pk, "name": ""}
    shown = as_marta.get(address, values)
    assert "Tue 29 Dec" in text(shown) and not Plan.objects.exists()
    assert as_marta.post(address, values | {"kickoff_date": "someday"}).status_code == 422
    assert as_marta.post(address, values).status_code == 302
    assert Plan.objects.get().task_count == 8


def test_ticking_off_without_script_and_by_htmx(as_marta, plan):
    row = task(plan, "Kickoff meeting")
    assert post(as_marta, "task_move", row.pk, "finish").status_code == 302
    row.refresh_from_db()
    assert row.state == "done"
    response = as_marta.post(
        reverse("onboarding:task_move", args=[row.pk, "reopen"]), headers={"HX-Request": "true", "HX-Target": "plan"}
    )
    assert 'id="plan"' in text(response) and "<html" not in text(response)


ASKED = "“Engagement letter signed” comes before this task and is still open. Complete anyway?"


def asked_before(page):
    return re.search(r'name="asked" value="([^"]+)"', page)[1]


@pytest.mark.parametrize(
    "headers",
    [{}, {"HX-Request": "true", "HX-Target": "plan"}, {"HX-Request": "true", "HX-Target": "remote-dialog-body"}],
    ids=["page", "list", "dialog"],
)
def test_a_task_before_its_predecessor_is_asked_about_once(as_marta, plan, headers):
    row = task(plan, "Access to accounting system")
    url = reverse("onboarding:task_move", args=[row.pk, "finish"])
    answer = as_marta.post(url, headers=headers)
    assert answer.status_code == 422 and ASKED in text(answer) and "Complete anyway</button>" in text(answer)
    other = task(plan, "First payroll run")
    assert as_marta.post(url, {"asked": other.pk}, headers=headers).status_code == 422, (
        "the question was about another task"
    )
    assert task(plan, "Access to accounting system").state == "open"
    as_marta.post(url, {"asked": asked_before(text(answer))}, headers=headers)
    assert task(plan, "Access to accounting system").state == "done"


def test_a_task_whose_predecessor_is_done_or_skipped_is_not_asked_about(as_marta, marta, plan):
    skip_task(acting(marta), task=task(plan, "Engagement letter signed"), reason="Signed last year", now=timezone.now())
    assert post(as_marta, "task_move", task(plan, "Access to accounting system").pk, "finish").status_code == 302
    assert post(as_marta, "task_move", task(plan, "Chart of accounts mapped").pk, "finish").status_code == 302


def test_selected_tasks_are_asked_about_together(as_marta, plan):
    address, titles = reverse("onboarding:tasks-select"), ["Access to accounting system", "Chart of accounts mapped"]
    values = {"action": "tasks.finish", "ids": [task(plan, title).pk for title in titles], "whose": "all"}
    address += "?whose=all"
    answer = as_marta.post(address, values)
    words = "“Engagement letter signed” comes before “Access to accounting system” and is still open. Complete anyway?"
    assert answer.status_code == 422 and words in text(answer), "the second comes after a task that is also selected"
    assert not plan.tasks.filter(state="done").exists()
    assert as_marta.post(address, values | {"asked": "Something else?"}).status_code == 422
    as_marta.post(address, values | {"asked": words})
    assert sorted(plan.tasks.filter(state="done").values_list("title", flat=True)) == titles


def test_selected_tasks_in_order_are_not_asked_about(as_marta, plan):
    titles = ["Engagement letter signed", "Access to accounting system"]
    values = {"action": "tasks.finish", "ids": [task(plan, title).pk for title in titles]}
    assert as_marta.post(reverse("onboarding:tasks-select") + "?whose=all", values).status_code == 302
    assert plan.tasks.filter(state="done").count() == 2


def test_a_word_not_an_asterisk_says_which_tasks_are_optional(as_admin, plan, draft):
    for url in (reverse("onboarding:plan", args=[plan.pk]), reverse("onboarding:version", args=[draft.pk])):
        page = text(as_admin.get(url))
        assert "optional</span>" in page and "required-mark" not in re.sub(r"<form.*?</form>", "", page, flags=re.S)


def test_blocking_without_a_reason_is_422_beside_the_field(as_marta, plan):
    row = task(plan, "Kickoff meeting")
    response = post(as_marta, "task_move", row.pk, "block", reason="")
    assert response.status_code == 422 and "Say what it is waiting for." in text(response)


def test_stale_due_date_is_409(as_marta, plan, marta):
    row = task(plan, "Kickoff meeting")
    change_due(acting(marta), task=row, due_date=date(2026, 12, 11), now=timezone.now())
    assert post(as_marta, "task_due", row.pk, due_date="2026-12-14", version=row.version).status_code == 409


def test_finishing_too_early_says_what_is_open(as_marta, plan):
    response = post(as_marta, "plan_move", plan.pk, "finish")
    assert response.status_code == 422 and "Mandatory tasks are still open" in text(response)
    assert post(as_marta, "plan_move", plan.pk, "nonsense").status_code == 404


def test_history_says_who_did_what(as_marta, plan):
    post(as_marta, "task_move", task(plan, "Kickoff meeting").pk, "finish")
    page = text(as_marta.get(reverse("onboarding:plan_history", args=[plan.pk])))
    assert "“Kickoff meeting” is done" in page and "Marta Kallio" in page


def test_filters_of_the_list(as_marta, plan, payroll, marta):
    other = make_plan(client=make_client(owner=marta, name="Blue Harbour"), version=payroll)
    block_task(acting(marta), task=task(other, "Kickoff meeting"), reason="away", now=timezone.now())
    address = reverse("onboarding:plans")
    for query, seen, unseen in (
        ({"track": "stuck"}, "Blue Harbour", "Northwind"),
        ({"q": "northw"}, "Northwind", "Blue Harbour"),
        ({"state": "done"}, "No plan matches", "Northwind"),
        ({"owner": make_user("Kai Koski").pk}, "No plan matches", "Northwind"),
        ({"template": payroll.template_id, "state": "all"}, "Northwind", "No plan matches"),
    ):
        page = text(as_marta.get(address, query))
        assert seen in page and unseen not in page, query


def test_plans_of_clients_in_the_trash_are_in_no_list_and_no_number(as_marta, plan, marta, northwind):
    assert navigation.numbers(acting(marta), at(MONDAY))["onboarding"] == (1, "")
    archive_client(acting(marta), client=northwind, now=at(MONDAY))
    assert "onboarding" not in navigation.numbers(acting(marta), at(MONDAY))
    assert panels.today_section(acting(marta), at(MONDAY)) is None
    assert "No open plan" in text(as_marta.get(reverse("onboarding:plans")))


@pytest.mark.parametrize(
    ("name", "most"), [("plans", 15), ("plan", 12), ("client", 14), ("version", 14), ("templates", 11), ("task", 12)]
)
def test_statements_stay_few_whatever_the_number_of_rows(
    as_admin, admin, plan, payroll, marta, django_assert_max_num_queries, name, most
):
    for n in range(6):
        made = make_plan(client=make_client(owner=marta, name=f"Client {n}"), version=payroll)
        comment_task(acting(marta), task=made.tasks.first(), text="Seen.")
    ids = {"plan": [plan.pk], "client": [plan.client_id], "version": [payroll.pk], "task": [plan.tasks.first().pk]}
    address = reverse(f"onboarding:{name}", args=ids.get(name, []))
    as_admin.get(address)
    with django_assert_max_num_queries(most):
        assert as_admin.get(address).status_code == 200


@pytest.fixture
def one_request():
    """The firm's settings are read once, as in a request."""
    queries.open_firm_cache()
    queries.get_firm()
    yield
    queries.close_firm_cache()


def test_panels_cost_at_most_two_statements(plan, marta, northwind, one_request, django_assert_max_num_queries):
    now = at(MONDAY + timedelta(3))
    finish_task(acting(marta), task=task(plan, "Conflict check"), now=at(MONDAY))
    calls = [
        lambda: panels.timeline_items(acting(marta), northwind, TimelineAsk(None, 30)),
        lambda: panels.today_section(acting(marta), now),
        lambda: search.find(acting(marta), "northwind", only="plans"),
        lambda: navigation.numbers(acting(marta), now),
        lambda: emails.their_tasks(northwind, now - timedelta(7), now),
    ]
    for call in calls:
        with django_assert_max_num_queries(2):
            assert call()


def test_card_of_the_client_costs_three_statements(plan, marta, northwind, one_request, django_assert_max_num_queries):
    with django_assert_max_num_queries(3):  # the plans, their phases, the firm's own holidays
        shown = panels.side_card(acting(marta), northwind, timezone.now())
    assert (shown["card"].plan, len(shown["card"].segments)) == (plan, 3)


@pytest.mark.as_owner
def test_numbers_in_addresses_and_pictures_are_never_grouped(as_admin, admin, plan):
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('onboarding_templatetask', 'id'), 41000)")
    version = make_template(admin=admin, name="Many")
    page = text(as_admin.get(reverse("onboarding:version", args=[version.pk])))
    assert f"?task={version.tasks.first().pk}" in page and "41,0" not in page
    assert 'viewBox="0 0 1120 ' in text(as_admin.get(reverse("onboarding:plan", args=[plan.pk])))


def test_a_stale_edit_of_plan_or_template_shows_both_values(as_admin, admin, plan, payroll):
    update_plan(acting(admin), plan=plan, name="Theirs", now=at(MONDAY))
    values = {"name": "Mine", "owner": plan.owner_id, "kickoff_date": plan.kickoff_date}
    response = post(as_admin, "plan_edit", plan.pk, version=plan.version, **values)
    assert response.status_code == 409 and "Theirs" in text(response) and "Mine" in text(response)
    assert f'name="version" value="{plan.version + 1}"' in text(response)
    update_template(acting(admin), template=payroll.template, name="Theirs")
    version = payroll.template.version
    response = post(as_admin, "template_edit", payroll.template_id, name="Mine", version=version)
    assert response.status_code == 409 and f'name="version" value="{version + 1}"' in text(response)


def test_an_assigned_task_names_the_colleague_and_tells_them(client, plan, marta):
    otto = make_user(name="Otto Berg")
    client.force_login(marta)
    row = plan.tasks.order_by("pk").first()
    answer = client.post(reverse("onboarding:task_assign", args=[row.pk]), {"person": f"u{otto.pk}"}, follow=True)
    assert f"“{row.title}” assigned to {otto.name}" in answer.text
    told = Notification.objects.get()
    assert (told.user, told.text) == (otto, f"{marta.name} assigned “{row.title}” to you · {plan.client.name}")
    undo = re.search(r'action="([^"]*back=[^"]*)"', answer.text)[1]
    client.post(undo)
    row.refresh_from_db()
    assert row.assignee != otto and not Notification.objects.exists()


def test_looking_at_the_dates_leaves_nothing_in_the_address(as_marta, northwind, payroll):
    url = reverse("onboarding:start", args=[northwind.pk])
    page = as_marta.get(url).text
    assert 'formmethod="get"' not in page and 'name="preview"' in page
    data = {"template_version": payroll.pk, "kickoff_date": "2026-11-30", "owner": northwind.owner_id, "preview": "1"}
    answer = as_marta.post(url, data)
    assert answer.status_code == 200 and answer.context["sketch"] and not Plan.objects.exists()
