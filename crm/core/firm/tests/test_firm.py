from datetime import date

import pytest
from django.urls import reverse

from crm.core.base.principals import acting
from crm.core.firm import services
from crm.core.firm.calendar import WorkingCalendar
from crm.core.firm.languages import mail_language
from crm.core.firm.models import FirmSettings, Holiday
from crm.core.firm.queries import get_firm


@pytest.fixture
def admin_page(client, ines):
    client.force_login(ines)
    return client


def typed(firm, **changes):
    """The settings form as the page shows it, with changes."""
    names = [
        "name",
        "time_zone",
        "currency",
        "fiscal_year_start",
        "engagement_word",
        "account_managers_see",
        "cadence_days_a",
        "cadence_days_b",
        "cadence_days_c",
        "retention_basis",
        "retention_benchmark",
        "retention_benchmark_source",
        "nps_benchmark",
        "nps_benchmark_source",
        "nps_minimum_answers",
        "mail_from_name",
        "mail_from_address",
        "version",
    ]
    return {name: getattr(firm, name) for name in names} | changes


def test_settings_are_changed(admin_page, firm):
    data = typed(
        firm,
        time_zone="Europe/Helsinki",
        currency="SEK",
        account_managers_see="own",
        retention_benchmark="",
        fiscal_year_start="7",
    )
    assert admin_page.post(reverse("core:settings"), data).status_code == 302
    firm = FirmSettings.objects.get()
    found = (firm.time_zone, firm.currency, firm.account_managers_see, firm.retention_benchmark, firm.fiscal_year_start)
    assert found == ("Europe/Helsinki", "SEK", "own", None, 7)


def test_a_stale_change_is_told_and_keeps_what_was_typed(admin_page, firm, ines):
    services.update_firm(acting(ines), name="Halden & Partners")
    answer = admin_page.post(reverse("core:settings"), typed(firm, name="Halden Oy"))
    assert answer.status_code == 409
    assert 'value="Halden Oy"' in answer.content.decode()
    assert FirmSettings.objects.get().name == "Halden & Partners"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("currency", "XXX"),
        ("time_zone", "Mars/Olympus"),
        ("cadence_days_a", "0"),
        ("mail_from_address", "nobody"),
        ("retention_basis", "hope"),
        ("name", ""),
        ("retention_benchmark", "900"),
        ("retention_benchmark", "-1"),
        ("nps_benchmark", "-500"),
        ("nps_benchmark", "101"),
    ],
)
def test_a_value_that_cannot_be_is_refused_beside_its_field(admin_page, firm, field, value):
    answer = admin_page.post(reverse("core:settings"), typed(firm, **{field: value}))
    assert answer.status_code == 422 and field in answer.context["form"].errors
    assert FirmSettings.objects.get().version == firm.version


def test_the_week_and_the_country_make_the_calendar(admin_page, firm):
    data = {"version": firm.version, "working_days": [0, 1, 2, 3], "holiday_country": "FI", "holiday_region": ""}
    assert admin_page.post(reverse("core:days"), data).status_code == 302
    calendar = WorkingCalendar.of(FirmSettings.objects.get())
    assert not calendar.is_working(date(2026, 11, 27))  # a Friday
    assert not calendar.is_working(date(2026, 1, 6))  # Epiphany, a Tuesday
    assert "Midsummer Eve" in admin_page.get(reverse("core:days"), {"year": 2026}).content.decode()


def test_a_region_the_country_does_not_have_is_refused(admin_page, firm):
    data = {"version": firm.version, "working_days": [0], "holiday_country": "FI", "holiday_region": "BY"}
    answer = admin_page.post(reverse("core:days"), data)
    assert answer.status_code == 422 and "has no such region" in answer.content.decode()


def test_regions_are_offered_by_name_and_go_with_their_country(admin_page, ines):
    firm = services.update_firm(acting(ines), holiday_country="DE", holiday_region="BY")
    assert "Bayern · BY" in admin_page.get(reverse("core:days")).content.decode()
    data = {"version": firm.version, "working_days": [0], "holiday_country": "FI", "holiday_region": "BY"}
    assert admin_page.post(reverse("core:days"), data).status_code == 302
    firm = FirmSettings.objects.get()
    assert (firm.holiday_country, firm.holiday_region) == ("FI", "")


def test_a_week_without_a_working_day_is_refused(admin_page, firm):
    answer = admin_page.post(reverse("core:days"), {"version": firm.version, "holiday_country": ""})
    assert answer.status_code == 422 and answer.context["form"].errors["working_days"]


def test_a_day_of_our_own_is_added_and_removed(admin_page, firm):
    add = {"date": "2026-12-28", "name": "Office closed"}
    assert admin_page.post(reverse("core:holiday_add"), add).url.endswith("?year=2026")
    assert not WorkingCalendar.of(firm).is_working(date(2026, 12, 28))
    again = admin_page.post(reverse("core:holiday_add"), add)
    assert again.status_code == 422 and again.context["holiday_form"].errors["date"]
    admin_page.post(reverse("core:holiday_remove", args=[Holiday.objects.get().pk]))
    assert WorkingCalendar.of(firm).is_working(date(2026, 12, 28))


def test_a_public_holiday_can_be_worked_on_and_closed_for_again(admin_page, ines):
    services.update_firm(acting(ines), holiday_country="FI")
    day = date(2026, 6, 19)  # Midsummer Eve, a Friday
    page = admin_page.get(reverse("core:days"), {"year": 2026}).content.decode()
    assert 'value="2026-06-19"' in page and 'value="2026-12-26"' not in page  # a Saturday is no working day anyway
    admin_page.post(reverse("core:holiday_add"), {"date": day, "name": "Midsummer Eve", "is_working": "on"})
    assert WorkingCalendar.of(get_firm()).is_working(day)
    admin_page.post(reverse("core:holiday_remove", args=[Holiday.objects.get().pk]))
    assert not WorkingCalendar.of(get_firm()).is_working(day)


def test_a_public_holiday_that_stood_in_the_firms_list_is_gone_when_it_is_removed(admin_page, ines):
    services.update_firm(acting(ines), holiday_country="FI")
    row = Holiday.objects.create(date=date(2026, 6, 19), name="Midsummer Eve")
    answer = admin_page.post(reverse("core:holiday_remove", args=[row.pk]), follow=True)
    assert "The firm works on Midsummer Eve." in answer.content.decode()
    assert WorkingCalendar.of(get_firm()).is_working(row.date)


@pytest.mark.parametrize("year", ["", "abc", "99999", "-1"])
def test_a_strange_year_shows_the_present_one(admin_page, firm, year):
    assert admin_page.get(reverse("core:days"), {"year": year}).status_code == 200


def test_the_language_of_emails_is_set_and_used(admin_page, firm):
    page = admin_page.get(reverse("core:settings")).content.decode()
    assert "Language of emails to clients" in page and "Deutsch" in page
    assert admin_page.post(reverse("core:settings"), typed(firm, language="de")).status_code == 302
    assert FirmSettings.objects.get().language == "de"
    assert mail_language("") == "de"
