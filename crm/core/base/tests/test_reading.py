"""The one reader of values: what is read, what is asked, what is refused."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.core.base import reading
from crm.core.base.deciding import decide, decide_all
from crm.core.base.reading import PLAIN, Conventions

SECOND_OF_MARCH = date(2025, 3, 2)


@pytest.mark.parametrize(
    "text",
    [
        "2025-03-02",
        "2025/03/02",
        "2025.3.2",
        "20250302",
        "45718",
        "2025-03-02T10:00:00Z",
        "2 March 2025",
        "2nd March 2025",
        "March 2, 2025",
        "02-Mar-25",
        "Sun, 2 Mar 2025 10:00:00 +0000",
        "2. März 2025",
        "Sonntag, 2. März 2025",
        "2 de marzo de 2025",
        "2. maaliskuuta 2025",
        "2 mars 2025",
        "2 mrt. 2025",
        "2 mars 2025 kl. 10:00",
        "02/03/25",
        "2. 3. 2025",
    ],
)
def test_a_day_in_any_known_shape(text):
    assert reading.read_day(text, Conventions(date_order="dmy")) == SECOND_OF_MARCH


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("02/03/25", "dmy", (2025, 3, 2)),
        ("02/03/25", "mdy", (2025, 2, 3)),
        ("02/03/25", "ymd", (2002, 3, 25)),
        ("01/02/98", "dmy", (1998, 2, 1)),
        ("31.12.68", "dmy", (2068, 12, 31)),
        ("03.04.2025", "dmy", (2025, 4, 3)),
        ("03.04.2025", "mdy", (2025, 3, 4)),
    ],
)
def test_a_day_in_the_order_of_its_column(text, order, expected):
    assert reading.read_day(text, Conventions(date_order=order)) == date(*expected)


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("31.02.2024", ""),
        ("yesterday", ""),
        ("2024-13-01", ""),
        ("1/2", ""),
        ("25/12/2024", "mdy"),
        ("12/25/2024", "dmy"),
        ("²/3/2025", "dmy"),
        ("2025-03-02 and more", ""),
        ("March 2025", ""),
        ("2025-03-02-01", ""),
        ("1/2/3", "dmy"),
        ("2 Foo 2025", ""),
        ("0000-00-00", ""),
        ("9999-12-31", ""),
    ],
)
def test_what_is_no_day_is_refused(text, order):
    with pytest.raises(ValueError, match="is not a date"):
        reading.read_day(text, Conventions(date_order=order))


def test_a_day_that_may_be_two_is_refused_with_both():
    with pytest.raises(ValueError, match="3 April 2025 or 4 March 2025"):
        reading.read_day("03/04/2025")
    assert reading.read_day("03/03/2025") == date(2025, 3, 3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-03-14", "2025-03-14T12:00+01:00"),
        ("2025-03-14 14:30", "2025-03-14T14:30+01:00"),
        ("3/14/2025 2:30 PM", "2025-03-14T14:30+01:00"),
        ("3/14/2025, 2:30:15 p.m.", "2025-03-14T14:30:15+01:00"),
        ("3/14/2025 12:10 AM", "2025-03-14T00:10+01:00"),
        ("3/14/2025 12:10 PM", "2025-03-14T12:10+01:00"),
        ("3/14/2025 2 pm", "2025-03-14T14:00+01:00"),
        ("14.3.2025 klo 14.30", "2025-03-14T14:30+01:00"),
        ("14.03.2025 14:30 Uhr", "2025-03-14T14:30+01:00"),
        ("14 mars 2025 à 14h30", "2025-03-14T14:30+01:00"),
        ("2025-03-14T14:30:00.000+0000", "2025-03-14T14:30+00:00"),
        ("2025-03-14T14:30:00Z", "2025-03-14T14:30+00:00"),
        ("2025-03-14 14:30-05:00", "2025-03-14T14:30-05:00"),
        ("2025-03-14 14:30 UTC", "2025-03-14T14:30+00:00"),
        ("2025-03-14 14:30 America/New_York", "2025-03-14T14:30-04:00"),
        ("45730.75", "2025-03-14T18:00+01:00"),
    ],
)
def test_moments(text, expected):
    found = reading.read_moment(text, Conventions(zone=ZoneInfo("Europe/Berlin")))
    assert found == datetime.fromisoformat(expected)
    assert found.tzinfo is not None


@pytest.mark.parametrize("text", ["2025-03-14 25:10", "2025-03-14 14:30 PM", "2025-03-14 0:30 AM", "2025-03-14 10:75"])
def test_a_time_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="no valid time|not a date"):
        reading.read_moment(text)


@pytest.mark.parametrize(
    "text", ["2025-03-14 10:00 EST", "3/14/2025 2:05 PM PST", "2025-03-14 10:00+17:00", "2025-03-14 10:00 Mars/Olympus"]
)
def test_a_zone_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="unknown time zone. Write it as"):
        reading.read_moment(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,234.50", "1234.50"),
        ("1.234,50", "1234.50"),
        ("1 234,50", "1234.50"),
        ("1\u202f234,5", "1234.5"),
        ("1'234.50", "1234.50"),
        ("1’234’567.50", "1234567.50"),
        ("12,34,567.89", "1234567.89"),
        ("1.234.567", "1234567"),
        ("0,125", "0.125"),
        ("0,925", "0.925"),
        ("1234,567", "1234.567"),
        ("-12", "-12"),
        ("−3", "-3"),
        ("12.50-", "-12.50"),
        ("(12.00)", "-12.00"),
        ("12,-", "12"),
        (".5", "0.5"),
        ("6.0E7", "60000000"),
    ],
)
def test_numbers_as_people_and_programs_write_them(text, expected):
    found = reading.read_amount(text)
    assert (found, found.currencies) == (Decimal(expected), ())


@pytest.mark.parametrize(
    ("text", "expected", "currency"),
    [
        ("12.50 EUR", "12.50", "EUR"),
        ("EUR12.50", "12.50", "EUR"),
        ("€ 1.234,56", "1234.56", "EUR"),
        ("1.234,56 €", "1234.56", "EUR"),
        ("-€12", "-12", "EUR"),
        ("(£12.00)", "-12.00", "GBP"),
        ("CHF 1'234.50", "1234.50", "CHF"),
        ("Fr. 12.50", "12.50", "CHF"),
        ("12,50 zł", "12.50", "PLN"),
        ("US$5", "5", "USD"),
    ],
)
def test_amounts_with_a_currency(text, expected, currency):
    found = reading.read_amount(text)
    assert (found, found.currencies) == (Decimal(expected), (currency,))
    assert reading.currency_beside(found, "", "EUR") == currency


@pytest.mark.parametrize(
    "text",
    [
        "12abc34",
        "10%",
        "abc",
        "",
        "1e99",
        "--",
        "NaN",
        "Infinity",
        "12²",
        "1,,2",
        "1,23.4.5",
        "12 50",
        "3 m",
        "EUR",
        "--5",
        "(-5)",
        "1-2",
        "٣",
        "5 EUR USD",
        "0x10",
        "1_000",
    ],
)
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(ValueError, match="not a number|too large|a percentage"):
        reading.read_amount(text)


def test_a_number_that_may_be_two_is_refused_with_both():
    with pytest.raises(ValueError, match="1234 or 1.234"):
        reading.read_amount("1,234")
    assert reading.read_amount("1,234", Conventions(decimal=".")) == 1234
    assert reading.read_amount("1,234", Conventions(decimal=",")) == Decimal("1.234")
    with pytest.raises(ValueError, match="such as 1,234.50"):
        reading.read_amount("12,5", Conventions(decimal="."))


def test_a_sign_of_several_currencies_is_the_firms_or_refused():
    five = reading.read_amount("$5")
    assert reading.currency_beside(five, "", "CAD") == "CAD"
    assert reading.currency_beside(five, "USD", "EUR") == "USD"
    with pytest.raises(ValueError, match="several currencies"):
        reading.currency_beside(five, "", "EUR")
    with pytest.raises(ValueError, match="the row says EUR"):
        reading.currency_beside(five, "EUR", "EUR")
    assert reading.currency_beside(Decimal(5), "", "EUR") == ""


@pytest.mark.parametrize(
    ("text", "own", "expected"),
    [
        ("eur", "", "EUR"),
        ("€", "", "EUR"),
        ("Euro", "", "EUR"),
        ("Swiss Franc", "", "CHF"),
        ("$", "USD", "USD"),
        ("kr", "NOK", "NOK"),
    ],
)
def test_currencies(text, own, expected):
    assert reading.read_currency(text, Conventions(currency=own)) == expected


@pytest.mark.parametrize(
    ("text", "says"), [("abc", "not a currency"), ("$", "several"), ("kr", "several"), ("DEM", "not a currency")]
)
def test_what_is_no_currency_is_refused(text, says):
    with pytest.raises(ValueError, match=says):
        reading.read_currency(text, Conventions(currency="EUR"))


@pytest.mark.parametrize("text", ["yes", "Ja", "OUI", "sí", "kyllä", "1", "true", "x", "✓", "wahr"])
def test_yes(text):
    assert reading.read_yes_no(text) is True


@pytest.mark.parametrize("text", ["no", "nein", "non", "nej", "Nee", "ei", "0", "FALSE", "faux"])
def test_no(text):
    assert reading.read_yes_no(text) is False


@pytest.mark.parametrize("text", ["maybe", "2", "", "yes no"])
def test_neither_yes_nor_no(text):
    with pytest.raises(ValueError, match="neither yes nor no"):
        reading.read_yes_no(text)


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("FR", "fr FRA Frankreich Ranska Francia Frankrike Frankrijk"),
        ("US", "USA"),
        ("GB", "UK"),
        ("ES", "España"),
        ("NL", "holland"),
    ],
)
def test_countries(code, names):
    assert {reading.read_country(name) for name in names.split()} == {code}
    assert reading.read_country("Côte d’Ivoire") == "CI"


@pytest.mark.parametrize("text", ["EU", "xx", "Atlantis", ""])
def test_what_is_no_country_is_refused(text):
    with pytest.raises(ValueError, match="not a known country"):
        reading.read_country(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [("de", "de"), ("pt_BR", "pt-BR"), ("Deutsch", "de"), ("saksa", "de"), ("suomi", "fi"), ("Polish", "pl")],
)
def test_languages(text, code):
    assert reading.read_language(text) == code


# --- columns


@pytest.mark.parametrize(
    ("values", "order"),
    [
        (["01/02/2025"] * 250 + ["01/13/2025"], "mdy"),  # what the first rows do not say
        (["01/02/2025"] * 250 + ["13/01/2025"], "dmy"),
        (["13/04/25", "01/02/99"], "dmy"),
        (["25-03-31", "25-12-01"], ""),
        (["99-03-31"], "ymd"),
        (["03.04.2025", "05.06.2025"], "dmy"),
        (["03.24.2025", "03.04.2025"], "mdy"),
        (["2025-03-04", "4 March 2025", "45718"], ""),
        (["soon", "later"], ""),
        (["03/03/2025"], "dmy"),
    ],
)
def test_a_column_decides_its_order(values, order):
    assert decide("date_order", values).value == order


def test_a_column_of_doubtful_dates_is_asked_with_samples():
    decision = decide(
        "date_order", ["01/02/2025"] * 250 + ["03/04/2025", "05/06/2025", "07/08/2025", "n/a", "2025-01-31"]
    )
    assert decision.must_ask and not decision.value
    assert [(option.value, option.misfits) for option in decision.options] == [("dmy", 0), ("mdy", 0)]
    assert decision.options[0].samples[:2] == (("01/02/2025", "1 February 2025"), ("03/04/2025", "3 April 2025"))
    assert decision.options[1].samples[0] == ("01/02/2025", "2 January 2025")
    assert len(decision.options[0].samples) == 3


def test_a_year_of_two_digits_may_stand_at_either_end():
    assert [option.value for option in decide("date_order", ["31/03/25", "30/04/25"]).options] == ["ymd", "dmy"]


def test_a_mixed_column_is_asked_and_says_how_many_values_each_way_loses():
    decision = decide("date_order", ["13/04/2025", "04/13/2025", "04/14/2025"])
    assert [(option.value, option.misfits) for option in decision.options] == [("mdy", 1), ("dmy", 2)]
    assert ("13/04/2025", "not readable") in decision.options[0].samples


@pytest.mark.parametrize(
    ("values", "sign"),
    [
        (["1,234", "5.25"], "."),
        (["1,234", "0,125"], ","),
        (["1.234", "12,50 €"], ","),
        (["1.234.567", "1.234"], ","),
        (["1,234"], ""),
        (["12", "1 000"], ""),
        (["1,5", "1.5"], ""),
    ],
)
def test_a_column_decides_its_decimal_sign(values, sign):
    decision = decide("decimal", values)
    assert decision.value == sign
    assert decision.must_ask == (values in (["1,234"], ["1,5", "1.5"]))


def test_a_column_without_a_say_follows_those_written_alike():
    decided = decide_all(
        {
            "start": ("date_order", ["03/04/2025"]),
            "end": ("date_order", ["23/04/2025"]),
            "signed": ("date_order", ["03-04-2025"]),
            "fee": ("decimal", ["1,234"]),
            "rate": ("decimal", ["0.5"]),
        }
    )
    assert {name: decision.value for name, decision in decided.items()} == {
        "start": "dmy",
        "end": "dmy",
        "signed": "",
        "fee": ".",
        "rate": ".",
    }
    assert decided["signed"].must_ask


# --- properties


@given(st.dates(date(1970, 1, 1), date(2068, 12, 31)), st.sampled_from(["ymd", "dmy", "mdy"]), st.sampled_from("./-"))
def test_a_day_written_in_an_order_is_read_back_in_it(day, order, sign):
    for year in ("%Y", "%y"):
        text = day.strftime(sign.join({"y": year, "m": "%m", "d": "%d"}[part] for part in order))
        assert reading.read_day(text, Conventions(date_order=order)) == day
        if (order, sign) == ("mdy", "."):  # which nobody writes
            continue
        decision = decide("date_order", [text])
        offered = [decision.value] if decision.value or not decision.must_ask else [o.value for o in decision.options]
        assert day in {reading.read_day(text, Conventions(date_order=order)) for order in offered}


@given(
    st.decimals(-(10**9), 10**9, places=2), st.sampled_from([(",", "."), (".", ","), (" ", ","), ("'", "."), ("", ".")])
)
def test_an_amount_written_by_a_program_is_read_back(amount, signs):
    group, decimal = signs
    text = f"{amount:,.2f}".replace(",", "g").replace(".", decimal).replace("g", group)
    assert reading.read_amount(text, Conventions(decimal=decimal)) == amount
    assert reading.read_amount(text) == amount


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused_with_a_sentence(text):
    for read in (reading.read_day, reading.read_moment, reading.read_amount, reading.read_whole, reading.read_currency):
        try:
            read(text, PLAIN)
        except ValueError as error:
            assert str(error)
    for subject in ("date_order", "decimal"):
        decide(subject, [text])


@pytest.mark.parametrize("text", ["²", "٣", "-1", "1.5", "", " 1", "9" * 30, None])
def test_only_plain_digits_are_a_number_of_a_parameter(text):
    assert reading.whole_number(text) is None


def test_limits_of_a_whole_number():
    assert reading.whole_number("12") == 12
    assert reading.whole_number("12", most=11) is None
    assert reading.whole_number("0", least=1) is None


def test_utc_where_no_zone_is_known():
    assert reading.read_moment("2025-03-14 10:00") == datetime(2025, 3, 14, 10, tzinfo=UTC)


@pytest.mark.parametrize("part", ["1 ", "1/", "a", "monday ", "1,"])
def test_a_long_text_is_refused_without_being_looked_at(part, monkeypatch):
    monkeypatch.setattr(reading, "spaced", None)  # the first step of looking
    for read in (reading.read_day, reading.read_moment, reading.read_amount):
        with pytest.raises(ValueError, match="is not a (date|number)"):
            read(part * 60_000)
