"""The tags and filters every template has, and the components built on them."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django import forms
from django.contrib.messages.storage.base import Message
from django.template import Context, RequestContext, Template, TemplateSyntaxError
from django.utils import timezone

from crm.core.templatetags import ui
from crm.core.ui import formatting

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)  # a Friday
HELSINKI = ZoneInfo("Europe/Helsinki")


def render(source, request=None, **context):
    return Template(source).render(RequestContext(request, context) if request else Context(context))


@pytest.fixture
def in_helsinki():
    with timezone.override(HELSINKI):
        yield


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (NOW - timedelta(seconds=20), "just now"),
        (NOW - timedelta(minutes=12), "12 min ago"),
        (NOW - timedelta(hours=3), "3 h ago"),
        (NOW + timedelta(minutes=30), "in 30 min"),
        (datetime(2026, 11, 19, 7, 5, tzinfo=UTC), "Yesterday 09:05"),
        (datetime(2026, 11, 21, 8, 0, tzinfo=UTC), "Tomorrow 10:00"),
        (datetime(2026, 11, 16, 9, 20, tzinfo=UTC), "Mon 11:20"),
        (datetime(2026, 11, 10, 9, 20, tzinfo=UTC), "10 Nov"),
        (datetime(2025, 11, 10, 9, 20, tzinfo=UTC), "10 Nov 2025"),
    ],
)
def test_when_is_relative_under_seven_days_and_a_date_after(in_helsinki, moment, words):
    assert f">{words}</time>" in ui.when(moment, now=NOW)


def test_when_names_the_zone_and_keeps_the_moment(in_helsinki):
    shown = ui.when(datetime(2026, 11, 16, 9, 20, tzinfo=UTC), now=NOW)
    assert 'datetime="2026-11-16T11:20:00+02:00"' in shown
    assert 'title="Monday 16 November 2026, 11:20 (EET)"' in shown


def test_a_moment_late_in_the_evening_belongs_to_the_day_of_the_users_zone(in_helsinki):
    assert "Today" in ui.when(datetime(2026, 11, 19, 22, 30, tzinfo=UTC), "day", now=NOW)


def test_a_date_stays_a_date(in_helsinki):
    shown = ui.when(date(2026, 12, 24), now=NOW)
    assert 'datetime="2026-12-24"' in shown
    assert ">24 Dec</time>" in shown
    assert ui.when(None) == ""


@pytest.mark.parametrize(
    ("days", "tone", "words"),
    [
        (-2, "badge-red", "2 days late"),
        (-1, "badge-red", "1 day late"),
        (0, "badge-green", "Today"),
        (1, "badge", "Tomorrow"),
        (30, "badge", "20 Dec"),
    ],
)
def test_due_says_it_in_words_and_tone(days, tone, words):
    today = NOW.date()
    shown = ui.due(today + timedelta(days=days), today)
    assert words in shown
    assert tone in shown
    assert ("badge-red" in shown) == (days < 0)


def test_no_due_day_is_said_and_amber():
    assert "badge-amber" in ui.due(None, NOW.date())
    assert "No next step" in ui.due(None, NOW.date())
    assert "Nothing planned" in ui.due(None, NOW.date(), none_text="Nothing planned")


@pytest.mark.parametrize(
    ("value", "currency", "shown"),
    [
        (48200, "EUR", "€48,200"),
        ("1234.5", "GBP", "£1,234.50"),
        (-2100, "USD", "−US$2,100"),
        (130400, "JPY", "JP¥130,400"),
        (None, "EUR", "—"),
        ("x", "EUR", "—"),
    ],
)
def test_money_follows_currency_and_locale(value, currency, shown):
    assert formatting.money(value, currency) == shown


def test_numbers():
    assert formatting.number(1234567) == "1,234,567"
    assert formatting.number("1234.567", 1) == "1,234.6"
    assert formatting.number(None) == "—"
    assert formatting.percent(91.4) == "91.4\u202f%"
    assert formatting.signed(1.6) == "+1.6"
    assert formatting.signed(-2.1) == "−2.1"
    assert formatting.signed(0, 0) == "0"
    assert formatting.capped(412) == "412"
    assert formatting.capped(10001) == "10,000+"


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Marta Kallio", "MK"), ("Halden & Partners", "HP"), ("Rapport", "RA"), ("", "?"), ("élodie", "ÉL"), ("- -", "?")],
)
def test_initials(name, letters):
    assert ui.initials(name) == letters


def test_marks_escape_what_people_typed():
    assert "<b>" not in ui.badge("<b>x</b>", "green")
    assert "<b>" not in ui.icon("lock", '"><b>')
    assert "<b>" not in ui.avatar("<b> <i>")


def test_qs_replaces_adds_and_removes(rf):
    request = rf.get("/clients/", {"q": "a&b", "page": "3", "tag": ["x", "y"]})
    assert render('{% qs page=None sort="name" %}', request) == "?q=a%26b&amp;tag=x&amp;tag=y&amp;sort=name"
    assert render("{% qs tag=None q=None page=None %}", request) == "?"


def test_a_long_value_shows_its_beginning_and_the_rest_on_demand():
    assert render("{{ text|folded }}", text="Two <b>lines</b>\nof text") == "Two &lt;b&gt;lines&lt;/b&gt;<br>of text"
    shown = render("{{ text|folded }}", text="<i>" + "word " * 100)
    assert "<details" in shown and shown.count("word ") > 100 and "Show all" in shown and "<i>" not in shown


def test_component_takes_body_and_slots_and_sees_nothing_else():
    source = '{% component "card" title=title %}<b>{{ secret }}</b>{% slot "foot" %}{{ title }}!{% endslot %}{% endcomponent %}'
    html = render(source, title="A <card>", secret="body", aside="of the page, not of the card")
    assert "<b>body</b>" in html
    assert "A &lt;card&gt;" in html
    assert "A &lt;card&gt;!" in html
    assert "of the page" not in html


def test_components_nest_with_slots_of_their_own():
    source = (
        '{% component "card" title="outer" %}{% component "card" title="inner" %}in{% slot "foot" %}inner foot{% endslot %}'
        '{% endcomponent %}{% slot "foot" %}outer foot{% endslot %}{% endcomponent %}'
    )
    html = render(source)
    assert html.count("inner foot") == 1
    assert html.index("inner foot") < html.index("outer foot")


def test_component_with_a_wrong_argument_is_refused():
    with pytest.raises(TemplateSyntaxError):
        Template('{% component "card" title %}{% endcomponent %}')


def test_csrf_reaches_into_components(rf):
    html = render(
        '{% component "menu" items=items %}{% endcomponent %}',
        rf.get("/"),
        items=[{"label": "Archive", "url": "/x/", "post": True}],
    )
    assert 'name="csrfmiddlewaretoken"' in html


class SignForm(forms.Form):
    name = forms.CharField(help_text="In full.")
    way = forms.ChoiceField(choices=[("a", "A")], widget=forms.RadioSelect, required=False)


def test_field_says_what_is_wrong_beside_the_field_and_keeps_what_was_typed():
    form = SignForm({"name": "", "way": "b"})
    html = render('{% include "rapport/field.html" with field=form.name only %}', form=form)
    assert 'aria-describedby="id_name_help id_name_error"' in html
    assert 'aria-invalid="true"' in html
    assert "Enter the name." in html
    assert 'class="form-check-input"' in render(
        '{% include "rapport/field.html" with field=form.way only %}', form=form
    )


@pytest.mark.parametrize(
    ("tags", "address"),
    [
        ("undo:/clients/1/restore/", "/clients/1/restore/"),
        ("undo://evil.example/", ""),
        ("undo:https://evil.example/", ""),
        ("", ""),
    ],
)
def test_undo_leads_to_this_site_only(tags, address):
    assert ui.undo_url(Message(25, "Archived.", extra_tags=tags)) == address


def test_pagination_shows_the_cap():
    html = render(
        '{% include "components/pagination.html" with start=1 end=50 total=10000 capped=True noun="clients" next_url="?after=x" only %}'
    )
    assert "1–50 of 10,000+ clients" in " ".join(html.split())
    assert 'rel="next"' in html
    assert 'rel="prev"' not in html


def test_a_trail_is_written_as_pairs_of_label_and_address():
    trail = '{% crumbs "Clients" "/clients/" "Northwind" "/clients/1/" "Edit" as trail %}'
    shown = render(trail + '{% component "page_header" title="Edit" crumbs=trail %}{% endcomponent %}')
    assert '<a href="/clients/1/">Northwind</a>' in shown
    assert '<span aria-current="page">Edit</span>' in shown


def test_booked_amounts_always_have_their_cents():
    assert formatting.money_exact(5002) == "€5,002.00"
    assert formatting.money_exact("-12.5", "USD") == "−US$12.50"
    assert formatting.money_exact(None) == "—"


def test_a_country_is_named():
    assert render("{{ 'NO'|country_name }} {{ 'Atlantis'|country_name }}|{{ ''|country_name }}") == "Norway Atlantis|"


class ChoosingForm(forms.Form):
    kind = forms.ChoiceField(choices=[("", "---------"), ("a", "A")])
    other = forms.ChoiceField(choices=lambda: [("", "---------"), ("b", "B")], required=False)


def test_the_empty_choice_has_a_name():
    shown = render("{% crispy form %}", form=ChoosingForm())
    assert ">Choose one</option>" in shown
    assert ">None</option>" in shown
    assert "-----" not in shown
    assert ChoosingForm.base_fields["kind"].choices[0] == ("", "---------"), "the form's own copy, not the class"


def test_a_day_names_its_year_where_it_is_another_one():
    today = date(2026, 12, 28)
    assert render("{{ day|weekday_and_day:today }}", day=date(2026, 12, 31), today=today) == "Thu 31 Dec"
    assert render("{{ day|weekday_and_day:today }}", day=date(2027, 1, 4), today=today) == "Mon 4 Jan 2027"
    assert render("{{ day|short_day:today }}", day=date(2027, 1, 4), today=today) == "4 Jan 2027"
    assert render("{{ day|short_day:today }}{{ day|weekday_and_day:today }}", day=None, today=today) == ""
