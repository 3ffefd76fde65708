import pghistory
import pytest
from django.apps import apps
from django.urls import reverse

from crm.core.base.principals import acting
from crm.core.firm.services import update_firm
from crm.core.history import queries as history
from crm.core.people.services import colleagues
from interactions.follow_ups.models import FollowUp
from tools.testing.factories.interactions import NOW, follow_up, make_client
from tools.testing.factories.onboarding import make_version


@pytest.fixture
def admin_page(client, ines):
    client.force_login(ines)
    return client


def entries(viewer, **options):
    return history.read(viewer, **options).entries


def test_a_change_says_who_what_and_from_what_to_what(admin_page, ines, marta):
    data = {
        "version": marta.version,
        "name": "Marta Kesti",
        "email": marta.email,
        "title": "Partner",
        "roles": ["account_manager"],
    }
    admin_page.post(reverse("core:user", args=[marta.pk]), data)
    entry = next(e for e in entries(acting(ines), label="core.user") if e.object_id == marta.pk)
    assert (entry.who, entry.kind, entry.title) == ("Ines Vaara", "update", "Marta Kesti")
    assert [(str(c.field), c.before, c.after) for c in entry.changes] == [("job title", "—", "Partner")]
    assert "Partner" in admin_page.get(reverse("core:history")).content.decode()


def test_passwords_and_link_secrets_are_not_shown(admin_page, ines, marta):
    marta.set_password("a sentence nobody guesses")
    marta.save()
    page = admin_page.get(reverse("core:history")).content.decode()
    assert "Password changed" in page and marta.password not in page


def test_pages_follow_one_another_without_gap_or_repeat(ines, marta):
    for n in range(25):
        colleagues.update_user(acting(ines), user=marta, name=f"Marta {n}")
    seen, marks = [], None
    while True:
        page = history.read(ines, label="core.user", marks=marks, size=10)
        seen += [entry.key for entry in page.entries]
        marks = page.marks
        if not marks:
            break
    assert len(seen) == len({*seen}) == apps.get_model("core.UserEvent").objects.count()


def test_it_is_narrowed_by_kind_and_person(admin_page, ines, oskar):
    update_firm(acting(ines), name="Halden Oy")
    admin_page.post(reverse("core:team_new"), {"name": "Nordics"})
    assert {e.thing for e in entries(acting(ines), label="core.team")} == {"team"}
    assert {e.who for e in entries(acting(ines), user_id=ines.pk)} == {"Ines Vaara"}
    assert entries(acting(ines), user_id=oskar.pk) == []


def test_a_restricted_client_stays_behind_its_barrier(admin_page, ines, marta):
    model = apps.get_model("clients.Client")
    model.objects.create(name="Ridgeway Capital", owner=marta, is_restricted=True)
    model.objects.create(name="Northwind", owner=marta)
    page = admin_page.get(reverse("core:history")).content.decode()
    assert "Northwind" in page and "Ridgeway" not in page


@pytest.mark.parametrize(
    "query",
    [
        {"kind": "core.nothing"},
        {"user": "x"},
        {"user": "9" * 30},
        {"before": "nonsense"},
        {"before": "W10"},
        {"before": "e30"},
    ],
)
def test_a_strange_address_shows_the_newest(admin_page, query):
    assert admin_page.get(reverse("core:history"), query).status_code == 200


def test_a_row_saved_without_a_change_is_no_entry_and_one_edit_is_one(admin_page, ines, marta):
    before = len(entries(acting(ines), label="core.user"))
    with pghistory.context(user=ines.pk):
        colleagues.update_user(acting(ines), user=marta, title="Partner")
        colleagues.update_user(acting(ines), user=marta, title="Senior partner", name="Marta Berg")
    colleagues.update_user(acting(ines), user=marta, title="Senior partner")
    found = entries(acting(ines), label="core.user")
    assert len(found) == before + 1
    assert [(str(c.field), c.before, c.after) for c in found[0].changes] == [
        ("name", "Marta Kesti", "Marta Berg"),
        ("job title", "—", "Senior partner"),
    ]
    assert "visible change" not in admin_page.get(reverse("core:history")).content.decode()


def test_people_and_rows_are_called_by_name(admin_page, ines, marta):
    team = apps.get_model("core.Team").objects.create(name="Nordics")
    with pghistory.context(user=ines.pk):
        apps.get_model("core.Team").objects.filter(pk=team.pk).update(lead=marta)
        apps.get_model("core.Holiday").objects.create(date="2026-12-24", name="Christmas Eve")
        version = make_version(admin=ines)
    change = next(e for e in entries(acting(ines), label="core.team") if e.kind == "update").changes[0]
    assert (change.before, change.after) == ("—", "Marta Kesti")
    (entry,) = entries(acting(ines), label="onboarding.templateversion")
    assert entry.title == str(version)


def test_what_the_product_keeps_for_itself_is_left_out(ines, marta):
    row = follow_up(actor=marta, client=make_client(owner=marta), title="Call")
    FollowUp.objects.filter(pk=row.pk).update(reminder_number=5)
    FollowUp.objects.filter(pk=row.pk).update(remind_at=None, due_at=NOW, title="Call again")
    found = entries(acting(ines), label="interactions.followup")
    said = [str(change.field) for entry in found for change in entry.changes]
    assert said == ["what"], "neither due at, remind at nor reminder number"


def test_a_sign_in_is_the_persons_own(admin_page, ines):
    assert [
        (e.who, str(e.changes[0].field)) for e in entries(acting(ines), label="core.user") if e.kind == "update"
    ] == [("Ines Vaara", "signed in")]


def test_the_set_up_of_the_firm_is_said_as_such(admin_page, ines):
    with pghistory.context(url="/setup/"):
        apps.get_model("core.Team").objects.create(name="Nordics")
    assert entries(acting(ines), label="core.team")[0].who == "Firm settings"
