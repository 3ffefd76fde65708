"""The main job in a real browser: build a template, publish it, start a plan, tick tasks off, see it on the client's page."""

import re

import pytest
from playwright.sync_api import expect

from onboarding.models import Plan, TemplateTask, TemplateVersion

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def people(make):
    make.make_firm()
    marta = make.make_user()
    return make.make_admin(), marta, make.make_client(owner=marta)


def add(page, phase, title):
    page.get_by_label(f"New task in {phase}").fill(title)
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name=re.compile(f"^{title}"))).to_be_visible()


def test_build_publish_start_and_finish(page, live_server, sign_in, people, assert_accessible):
    ada, marta, northwind = people
    sign_in(ada)
    page.goto(live_server.url + "/onboarding/templates/")
    page.get_by_role("link", name="Create template").click()
    page.get_by_label("name").fill("Payroll client")
    page.get_by_role("button", name="Save").click()
    for number, phase in enumerate(("Agree", "Set up"), start=1):
        page.get_by_placeholder("Name of the next phase").fill(phase)
        page.get_by_role("button", name="Add phase").click()
        # with its number: the navigation has a heading “Set up” too
        expect(page.get_by_role("heading", name=f"{number} · {phase}")).to_be_visible()
    add(page, "Agree", "Kickoff meeting")
    add(page, "Agree", "Letter signed")
    add(page, "Set up", "Access given")

    page.get_by_role("link", name="Access given").click()
    page.get_by_label("Assignee").select_option("client")
    page.get_by_label("Role").fill("Client IT")
    page.get_by_label("Working days").fill("2")
    page.get_by_label("Counted from").select_option(label="Letter signed")
    page.get_by_role("button", name="Save task").click()
    expect(page.get_by_text("+2 after Letter signed")).to_be_visible()
    assert_accessible(page)

    page.get_by_label("Move or remove Letter signed").click()
    page.get_by_role("button", name="Move up").click()
    expect(page.locator("#builder .ob-row .ob-title").first).to_have_text(re.compile("Letter signed"))
    page.get_by_label("Move or remove Kickoff meeting").click()
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_role("link", name="Kickoff meeting")).to_have_count(0)
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(page.get_by_role("link", name="Kickoff meeting")).to_be_visible()

    page.get_by_role("link", name="Publish version 1").click()
    page.get_by_role("button", name="Publish version 1").click()
    expect(page.get_by_text("Version 1, published")).to_be_visible()
    assert TemplateVersion.objects.get().state == "published"

    sign_in(marta)
    page.goto(f"{live_server.url}/clients/{northwind.pk}/onboarding/")
    page.get_by_role("link", name="Start a plan").first.click()
    page.get_by_label("Template").select_option(label="Payroll client, version 1")
    page.get_by_role("button", name="Show the dates").click()
    expect(page.get_by_role("img", name=re.compile("Gantt chart"))).to_be_visible()
    page.get_by_role("button", name="Start the plan").click()
    expect(page.get_by_role("heading", level=1, name="Payroll client")).to_be_visible()
    assert_accessible(page)

    for title in ("Letter signed", "Kickoff meeting"):
        box = page.get_by_role("checkbox", name=f"Done: {title}")
        box.click()
        expect(box).to_be_checked()
    expect(page.locator("#plan").get_by_text("2 of 3 tasks")).to_be_visible()

    page.goto(f"{live_server.url}/clients/{northwind.pk}/")
    card = page.locator(".side-card", has_text="Onboarding: Payroll client")
    expect(card).to_contain_text("2 of 3 tasks")
    expect(card).to_contain_text("On track")
    expect(page.get_by_text("Onboarding task “Letter signed” finished by Marta Kallio")).to_be_visible()

    plan = Plan.objects.get()
    page.goto(f"{live_server.url}/onboarding/plans/{plan.pk}/")
    page.get_by_role("checkbox", name="Done: Access given").click()
    page.get_by_role("button", name="Finish the plan").click()
    expect(page.get_by_text("Plan done. The client is active.")).to_be_visible()
    plan.refresh_from_db()
    assert (plan.state, plan.client.facts.status) == ("done", "active")


def test_nothing_typed_fast_is_lost(page, live_server, sign_in, people, make):
    """At 40 ms a key nobody waits for the server between Enter and the next letter."""
    sign_in(people[0])
    page.goto(live_server.url + "/onboarding/templates/")
    page.keyboard.press("c")
    page.wait_for_url("**/new/")
    page.keyboard.type("Payroll client", delay=40)
    page.keyboard.press("Enter")
    page.get_by_placeholder("Name of the next phase").click()
    page.keyboard.type("Agree\nSet up\n", delay=40)
    expect(page.get_by_role("heading", name="2 · Set up")).to_be_visible()
    titles = ["Kickoff meeting", "Welcome call", "Letter signed", "Access given"]
    field = page.get_by_label("New task in Agree")
    field.click()
    page.keyboard.type("\n".join(titles) + "\nNot sent yet", delay=40)
    expect(page.locator("#builder [data-id] .ob-title")).to_have_count(len(titles))
    assert list(TemplateTask.objects.order_by("position").values_list("title", flat=True)) == titles
    expect(field).to_have_value("Not sent yet")
    expect(field).to_be_focused()


def test_what_is_typed_in_one_place_survives_what_happens_in_another(page, live_server, sign_in, people, make):
    version = make.make_template(admin=people[0], name="Audit client")
    first, second = version.tasks.all()[:2]
    sign_in(people[0])
    page.goto(f"{live_server.url}/onboarding/versions/{version.pk}/?task={first.pk}")
    page.get_by_label("Role").fill("Client IT")
    adding = page.get_by_label(f"New task in {first.phase}")
    adding.fill("One more")
    adding.press("Enter")
    expect(page.get_by_role("link", name="One more")).to_be_visible()
    expect(page.get_by_label("Role")).to_have_value("Client IT")
    adding.fill("Half a na")
    page.get_by_role("link", name=second.title).click()
    expect(page.get_by_role("heading", name=second.title)).to_be_visible()
    expect(adding).to_have_value("Half a na")
    expect(page.get_by_label("Role")).not_to_have_value("Client IT")
    first.refresh_from_db()
    assert first.owner_role == "Client IT"


def test_a_name_that_did_not_get_through_can_be_sent_again(page, live_server, sign_in, people, make, browser_problems):
    version = make.make_template(admin=people[0], name="Audit client")
    sign_in(people[0])
    page.goto(f"{live_server.url}/onboarding/versions/{version.pk}/")
    adding = page.get_by_label(f"New task in {version.phases.first()}")
    page.context.set_offline(True)
    adding.fill("On the train")
    adding.press("Enter")
    again = page.get_by_role("button", name="Try again")
    expect(again).to_be_visible()
    page.context.set_offline(False)
    again.click()
    expect(page.get_by_role("link", name="On the train")).to_be_visible()
    assert version.tasks.filter(title="On the train").count() == 1
    browser_problems.clear()


def test_task_in_its_dialog(page, live_server, sign_in, people, make, assert_accessible):
    ada, marta, northwind = people
    plan = make.make_plan(client=northwind, version=make.make_version(admin=ada))
    sign_in(marta)
    page.goto(f"{live_server.url}/onboarding/plans/{plan.pk}/")
    page.get_by_role("link", name="Access to accounting system").click()
    dialog = page.locator("#remote-dialog")
    expect(dialog.get_by_text("Create a read-only user")).to_be_visible()
    assert_accessible(page)
    dialog.get_by_text("Block or skip").click()
    dialog.get_by_label("What is it waiting for").fill("their IT is away")
    dialog.get_by_role("button", name="Blocked").click()
    expect(page.locator("#plan")).to_contain_text("is blocked: their IT is away")
    dialog.get_by_label("Due").fill("2027-03-01")
    dialog.get_by_role("button", name="Preview new dates").click()
    expect(dialog.get_by_role("row")).to_have_count(5)  # the head, the task, the three that depend on it
    dialog.get_by_role("button", name="Move these 4 dates").click()
    expect(dialog.get_by_role("row")).to_have_count(0)  # moved: the preview names the day too
    expect(dialog.get_by_text("Mon 1 Mar 2027")).to_be_visible()
    dialog.get_by_role("textbox", name="Comment").fill("They are back in March.")
    dialog.get_by_role("button", name="Add comment").click()
    expect(dialog.get_by_text("They are back in March.")).to_be_visible()


def test_tasks_by_keyboard(page, live_server, sign_in, people, make, assert_accessible):
    ada, marta, northwind = people
    plan = make.make_plan(client=northwind, version=make.make_version(admin=ada))
    sign_in(marta)
    page.goto(f"{live_server.url}/onboarding/plans/{plan.pk}/")
    current = page.locator(".ob-task.is-current")

    def box(title):
        return page.get_by_role("checkbox", name=f"Done: {title}")

    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(box("Kickoff meeting")).to_be_checked()
    expect(current).to_contain_text("Kickoff meeting")
    page.keyboard.press("Space")
    expect(box("Kickoff meeting")).not_to_be_checked()
    for _n in range(3):
        page.keyboard.press("j")
    expect(current).to_contain_text("Access to accounting system")
    page.keyboard.press("k")
    page.keyboard.press("j")  # into the next phase's list and back
    page.keyboard.press("x")
    question = current.get_by_role("alert")
    expect(question).to_contain_text("“Engagement letter signed” comes before this task and is still open.")
    assert_accessible(page)
    question.get_by_role("link", name="Leave open").click()
    expect(page.locator(".ob-asked")).to_have_count(0)
    expect(box("Access to accounting system")).not_to_be_checked()
    page.keyboard.press("x")
    expect(question).to_be_visible()
    page.keyboard.press("x")
    expect(box("Access to accounting system")).to_be_checked()

    page.keyboard.press("Enter")
    expect(page.locator("#remote-dialog")).to_contain_text("Access to accounting system")
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    expect(page.locator("#remote-dialog")).to_be_visible()
    page.keyboard.press("Escape")

    box("Conflict check").focus()  # with Tab into another row
    expect(current).to_contain_text("Conflict check")
    page.keyboard.press("Space")
    expect(box("Conflict check")).to_be_checked()
    expect(box("Conflict check")).to_be_focused()

    page.keyboard.press("?")
    help_box = page.locator("#shortcut-help")
    expect(help_box.get_by_text("Tick the row off, or open it again")).to_be_visible()
    expect(help_box.get_by_text("Select the row")).to_be_hidden()


def test_on_the_phone(page, live_server, sign_in, people, make, assert_accessible):
    ada, marta, northwind = people
    version = make.make_version(admin=ada)
    plan = make.make_plan(client=northwind, version=version)
    draft = make.make_template(admin=ada, name="Audit client")
    sign_in(ada)
    page.set_viewport_size({"width": 320, "height": 700})
    task = draft.tasks.first()
    for path in (
        "plans/",
        f"plans/{plan.pk}/",
        "templates/",
        f"versions/{draft.pk}/?task={task.pk}",
        f"tasks/{plan.tasks.first().pk}/",
    ):
        page.goto(f"{live_server.url}/onboarding/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
        assert_accessible(page)
    page.emulate_media(color_scheme="dark")
    for path in (f"plans/{plan.pk}/", f"versions/{draft.pk}/"):
        page.goto(f"{live_server.url}/onboarding/{path}")
        assert_accessible(page)
