"""What a rule means: each kind and operator on rows, groups, days, limits, and what is gone since."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clients.catalogue.models import Tag
from clients.catalogue.services import create_tag, delete_tag
from clients.records.facts import set_facts
from clients.records.models import Client
from clients.records.services.clients import update_client
from clients.records.services.statuses import change_status
from clients.segments import criteria, rules
from clients.segments.choices import OPERATORS, Kind
from clients.segments.compile import clients_of, narrow, reader_of
from clients.segments.models import Segment
from crm.core.base.principals import SYSTEM, acting
from crm.core.firm.queries import firm_cached
from tools.testing.factories.clients import NOW, TODAY, make_client, make_user

pytestmark = pytest.mark.django_db


def rule(field, op, *values):
    return {"field": field, "op": op, "values": list(values)}


def group(match, *inner):
    return {"match": match, "rules": list(inner)}


def names(who, *inner, match="all", now=NOW):
    parsed = rules.read(group(match, *inner))
    assert parsed.is_sound, parsed.messages
    return sorted(clients_of(parsed, acting(who), now).values_list("name", flat=True))


def said(*inner, match="all"):
    return rules.read(group(match, *inner)).messages


@pytest.fixture
def three(marta, otto):
    """A: everything is known. B: of somebody else, a little. C: nothing is."""
    a = make_client(
        owner=marta, name="Aava", tier="A", industry="Shipping", country="FI", city="Turku", notes="Likes calls"
    )
    b = make_client(owner=otto, name="Birka", status="prospect", tier="B", industry="shipping", country="SE")
    c = make_client(owner=otto, name="Ceder", status="onboarding")
    set_facts(client_id=a.pk, nps_score=9, revenue_12m=Decimal("1200.50"), last_contact_at=NOW - timedelta(days=10))
    set_facts(client_id=b.pk, nps_score=4, last_contact_at=NOW - timedelta(days=100))
    return a, b, c


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (rule("status", "is", "active", "prospect"), "AB"),
        (rule("status", "is_not", "active"), "BC"),
        (rule("tier", "is", "A"), "A"),
        (rule("tier", "is_not", "A"), "BC"),
        (rule("tier", "empty"), "C"),
        (rule("tier", "given"), "AB"),
        (rule("industry", "is", "SHIPPING"), "AB"),
        (rule("industry", "is_not", "shipping"), "C"),
        (rule("industry", "contains", "Ship"), "AB"),
        (rule("industry", "contains_not", "ship"), "C"),
        (rule("industry", "starts_with", "hip"), ""),
        (rule("name", "contains", "aav"), "A"),
        (rule("name", "starts_with", "bi"), "B"),
        (rule("notes", "contains", "call"), "A"),
        (rule("notes", "empty"), "BC"),
        (rule("country", "is", "FI"), "A"),
        (rule("nps_score", "is", 9, "4"), "AB"),
        (rule("nps_score", "is_not", 9), "BC"),
        (rule("nps_score", "more", 4), "A"),
        (rule("nps_score", "at_least", 4), "AB"),
        (rule("nps_score", "less", 9), "B"),
        (rule("nps_score", "at_most", 9), "AB"),
        (rule("nps_score", "between", 4, 8), "B"),
        (rule("nps_score", "empty"), "C"),
        (rule("nps_score", "given"), "AB"),
        (rule("revenue_12m", "more", "1200.49"), "A"),
        (rule("revenue_12m", "is", "0"), "BC"),
        (rule("last_contact_at", "in_last", 30), "A"),
        (rule("last_contact_at", "not_in_last", 30), "BC"),
        (rule("last_contact_at", "before", "2026-11-01"), "B"),
        (rule("last_contact_at", "after", "2026-11-01"), "A"),
        (rule("last_contact_at", "on", "2026-11-10"), "A"),
        (rule("last_contact_at", "from_to", "2026-08-01", "2026-11-10"), "AB"),
        (rule("last_contact_at", "this_month"), "A"),
        (rule("last_contact_at", "last_month"), ""),
        (rule("last_contact_at", "this_year"), "AB"),
        (rule("last_contact_at", "empty"), "C"),
        (rule("days_since_contact", "more", 10), "B"),
        (rule("days_since_contact", "at_least", 10), "AB"),
        (rule("days_since_contact", "less", 100), "A"),
        (rule("days_since_contact", "at_most", 100), "AB"),
        (rule("days_since_contact", "between", 10, 99), "A"),
        (rule("days_since_contact", "is", 10, 100), "AB"),
        (rule("days_since_contact", "is_not", 10), "BC"),
        (rule("days_since_contact", "empty"), "C"),
        (rule("status_date", "in_last", 0), "ABC"),
        (rule("status_date", "in_next", 5), "ABC"),
        (rule("is_restricted", "no"), "ABC"),
        (rule("is_restricted", "yes"), ""),
    ],
    ids=str,
)
def test_a_rule_finds_those_it_says(three, sini, asked, found):
    assert "".join(name[0] for name in names(sini, asked)) == found


def test_every_operator_of_every_criterion_runs(three, sini):
    row_ids = {Kind.ROW: [1], Kind.PERSON: ["me"]}
    for criterion in criteria.criteria().values():
        for operator in criterion.operators:
            value = {
                Kind.TEXT: ["Europe/Helsinki" if criterion.key == "time_zone" else "fi"],
                Kind.CHOICE: [str(criterion.choices()[0][0])] if criterion.choices else [],
                Kind.NUMBER: [3, 4],
                Kind.DAY: ["2026-01-01", "2026-02-01"],
            }.get(criterion.kind, row_ids.get(criterion.kind, []))
            if operator in rules.WITHOUT_VALUES:
                value = []
            elif operator in rules.WITH_DAYS:
                value = [3]
            elif operator not in rules.WITH_TWO:
                value = value[:1]
            found = rules.read(group("all", rule(criterion.key, operator.value, *value)))
            assert not [p for p in found.problems if not p.is_gone], (criterion.key, operator, found.messages)
            with_rows = rules.Parsed(found.root)
            both = group("none", rule(criterion.key, operator.value, *value))
            inside = set(clients_of(with_rows, acting(sini), NOW).values_list("pk", flat=True))
            outside = set(
                clients_of(rules.Parsed(rules.read(both).root), acting(sini), NOW).values_list("pk", flat=True)
            )
            assert inside | outside == set(Client.objects.values_list("pk", flat=True)), (criterion.key, operator)
            assert not inside & outside, (criterion.key, operator)


def test_the_catalogue_is_there_as_it_stands():
    known = criteria.criteria()
    for name in (
        "name",
        "status",
        "owner",
        "team",
        "tags",
        "industry",
        "revenue_12m",
        "health_score",
        "contact_due_at",
    ):
        assert name in known
    assert "parent" not in known and "address" not in known
    assert all(str(each.label) for each in known.values())
    assert {each.kind for each in known.values()} == set(OPERATORS)


def test_tags(three, sini, aino):
    a, b, c = three
    gold, board = create_tag(acting(sini), name="Gold"), create_tag(acting(sini), name="Board")
    update_client(acting(sini), client=a, tags=[gold, board])
    update_client(acting(sini), client=b, tags=[gold])
    assert names(sini, rule("tags", "is", gold.pk)) == ["Aava", "Birka"]
    assert names(sini, rule("tags", "is", gold.pk, board.pk)) == ["Aava", "Birka"]
    assert names(sini, rule("tags", "has_all", gold.pk, board.pk)) == ["Aava"]
    assert names(sini, rule("tags", "is_not", board.pk)) == ["Birka", "Ceder"]
    assert names(sini, rule("tags", "empty")) == ["Ceder"]
    assert names(sini, rule("tags", "given")) == ["Aava", "Birka"]


def test_the_reason_is_that_of_the_present_status(three, sini):
    a, b, c = three
    change_status(acting(sini), client=b, status="former", start_date=TODAY, today=TODAY, reason="price")
    assert names(sini, rule("leaving_reason", "is", "price", "slow")) == ["Birka"]
    assert names(sini, rule("leaving_reason", "is_not", "price")) == ["Aava", "Ceder"]
    assert names(sini, rule("leaving_reason", "given")) == ["Birka"]


def test_me_is_whoever_reads(three, marta, otto):
    mine = rule("owner", "is", "me")
    assert names(marta, mine) == ["Aava"] and names(otto, mine) == ["Birka", "Ceder"]
    parsed = rules.read(group("all", mine))
    assert parsed.is_personal
    assert narrow(Client.objects.all(), parsed, reader_of(SYSTEM, NOW, me=marta.pk)).get().name == "Aava"
    assert not narrow(Client.objects.all(), parsed, reader_of(SYSTEM, NOW)).exists()


def test_the_reader_sees_nothing_that_they_may_not(three, marta):
    Client.objects.filter(name="Birka").update(is_restricted=True)
    assert names(marta, rule("tier", "given")) == ["Aava"]


def test_groups_within_groups(three, sini):
    inner = group("any", rule("tier", "is", "B"), rule("city", "is", "turku"))
    assert names(sini, inner, rule("status", "is", "active")) == ["Aava"]
    assert names(sini, inner, match="none") == ["Ceder"]
    assert names(sini, group("none", inner), match="none") == ["Aava", "Birka"]


def test_days_begin_at_the_readers_midnight(three, sini):
    """23:30 in Helsinki is still the day before in London."""
    moment = datetime(2026, 11, 18, 22, 30, tzinfo=UTC)
    set_facts(client_id=three[0].pk, last_contact_at=moment)
    on = rule("last_contact_at", "on", "2026-11-19")
    with timezone.override(ZoneInfo("Europe/Helsinki")):
        assert names(sini, on) == ["Aava"]
    with timezone.override(ZoneInfo("Europe/London")):
        assert names(sini, on) == []


def test_days_since_contact_are_the_firms_whoever_reads(three, sini):
    a = three[0]
    with timezone.override(ZoneInfo("Pacific/Auckland")):
        a.facts.refresh_from_db()
        assert names(sini, rule("days_since_contact", "is", a.facts.days_since_contact(TODAY))) == ["Aava"]


NAMES = st.sampled_from(["status", "tier", "nps_score", "industry", "last_contact_at", "owner", "days_since_contact"])


@st.composite
def leaves(draw):
    name = draw(NAMES)
    kind = criteria.criteria()[name].kind
    operator = draw(st.sampled_from([o for o in criteria.criteria()[name].operators if o not in rules.WITH_DAYS]))
    n = 0 if operator in rules.WITHOUT_VALUES else 2 if operator in rules.WITH_TWO else 1
    values = {
        "status": ["active", "prospect"],
        "tier": ["A", "B"],
        "industry": ["shipping", "law"],
        "owner": ["me", "me"],
        "last_contact_at": ["2026-09-01", "2026-11-01"],
    }.get(name, [4, 9] if kind == Kind.NUMBER else [])
    return rule(name, operator.value, *values[:n])


TREES = st.recursive(
    leaves(),
    lambda inner: st.builds(
        lambda match, found: group(match, *found),
        st.sampled_from(["all", "any", "none"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=8,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["all", "any", "none"]), st.lists(TREES, min_size=1, max_size=3))
def test_groups_are_sets(three, sini, match, inner):
    """Whatever is empty: a group is the intersection, the union, or the rest, of what its parts find alone."""

    def depth(node):
        return 1 + max((depth(each) for each in node["rules"]), default=0) if "rules" in node else 0

    tree = group(match, *inner)
    if depth(tree) > rules.MOST_DEPTH:
        return
    everybody = frozenset(Client.objects.values_list("pk", flat=True))

    def means(node):
        if "rules" in node:
            parts = [means(each) for each in node["rules"]]
            if node["match"] == "all":
                return frozenset.intersection(*parts)
            found = frozenset.union(*parts)
            return found if node["match"] == "any" else everybody - found
        parsed = rules.read(group("all", node))
        assert parsed.is_sound, parsed.messages
        return frozenset(clients_of(parsed, acting(sini), NOW).values_list("pk", flat=True))

    parsed = rules.read(tree)
    assert parsed.is_sound, parsed.messages
    rows = clients_of(parsed, acting(sini), NOW).values_list("pk", flat=True)
    assert frozenset(rows) == means(tree) and len(rows) == len(set(rows))


# What is refused


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "A group needs “match” and “rules”."),
        ([], "A group needs “match” and “rules”."),
        ({"match": "all"}, "A group needs “match” and “rules”."),
        ({"match": "some", "rules": []}, "Choose all, any or none."),
        ({"match": "all", "rules": []}, "Add a rule."),
        (group("all", group("any")), "Add a rule to this group, or remove it."),
        ({"match": "all", "rules": ["x"]}, "A rule needs “field”, “op” and “values”."),
        (group("all", {"field": ""}), "Choose a field."),
        (group("all", rule("tier", "contains", "A")), "Choose what “Tier” should be."),
        (group("all", rule("tier", "is")), "Enter a value."),
        (group("all", rule("nps_score", "more", 1, 2)), "Enter one value."),
        (group("all", rule("nps_score", "between", 1)), "Enter both values."),
        (group("all", rule("nps_score", "between", 10, 9)), "The first value must not be larger than the second."),
        (group("all", rule("nps_score", "more", "many")), "“many” is not a number."),
        (group("all", rule("nps_score", "more", "NaN")), "“NaN” is not a number."),
        (group("all", rule("nps_score", "more", 1.5)), "Enter a whole number."),
        (group("all", rule("revenue_12m", "more", "1e400")), "This number is too large."),
        (group("all", rule("revenue_12m", "more", "1.234")), "Enter a number with up to 2 decimals."),
        (group("all", rule("created_at", "in_last", -1)), "Enter a number of days, up to 36,500."),
        (group("all", rule("created_at", "in_last", 40000)), "Enter a number of days, up to 36,500."),
        (group("all", rule("created_at", "on", "tomorrow")), "Enter a date, such as 2026-01-31."),
        (group("all", rule("created_at", "on", "9999-12-31")), "This date is too far away."),
        (group("all", rule("name", "contains", "a\0b")), "A value can have up to 200 characters."),
        (group("all", rule("name", "contains", "x" * 201)), "A value can have up to 200 characters."),
        (group("all", rule("owner", "is", "mine")), "“mine” is not an id."),
        (group("all", rule("tier", "empty", "A")), "This takes no value."),
        (group("all", rule("tier", "is", True)), "A value is text or a number."),
        (group("all", rule("tier", "is", ["A"])), "A value is text or a number."),
        (group("all", rule("tier", "is", "A") | {"sql": "x"}), "Unknown: sql."),
        (
            group("all", group("all", group("all", group("all", rule("tier", "is", "A"))))),
            "Groups can stand up to 3 deep.",
        ),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_said(data, message):
    found = rules.read(data)
    assert message in found.messages and not found.problems[0].is_gone


def test_too_much_of_anything_is_refused():
    assert "A segment can have up to 50 rules." in said(*[rule("tier", "is", "A")] * 51)
    many = [f"word {n}" for n in range(10_001)]
    assert said(rule("industry", "is", *many)) == ["A segment can hold up to 10,000 values; these are 10,001."]
    assert said(rule("industry", "is", *many[:6000]), rule("city", "is", *many[:6000])) == [
        "A segment can hold up to 10,000 values; these are 12,000."
    ]


def test_deep_nesting_breaks_nothing():
    data = rule("tier", "is", "A")
    for _n in range(900):
        data = group("all", data)
    assert rules.read(data).messages == ["Groups can stand up to 3 deep."]


def test_ten_thousand_values_are_one_parameter(three, sini, django_assert_num_queries):
    words = [f"Trade {n}" for n in range(9_999)] + ["SHIPPING"]
    parsed = rules.read(group("all", rule("industry", "is", *words)))
    assert parsed.is_sound
    rows = clients_of(parsed, acting(sini), NOW)
    with django_assert_num_queries(1):
        found = list(rows.order_by("name"))
    assert [client.name for client in found] == ["Aava", "Birka"]
    _sql, given = rows.query.sql_with_params()
    assert len(given) < 20


# What is gone


def test_a_field_that_is_gone_is_named_and_matches_nothing(three, sini, monkeypatch):
    kept = rules.read(group("none", rule("industry", "is", "law"))).root.as_json()
    assert len(clients_of(rules.read(kept), acting(sini), NOW)) == 3
    left = [field for field in criteria.CLIENT_FIELDS.values() if field.name != "industry"]
    monkeypatch.setattr(criteria, "catalogue_fields", lambda: left)
    parsed = rules.read(kept)
    assert parsed.messages == ["The field “Industry” no longer exists."] and parsed.problems[0].is_gone
    assert not clients_of(parsed, acting(sini), NOW).exists()


def test_a_tag_that_is_gone_is_said_and_matches_nothing(three, sini):
    tag = create_tag(acting(sini), name="Gold")
    kept = rules.read(group("none", rule("tags", "is", tag.pk))).root.as_json()
    number = tag.pk
    delete_tag(acting(sini), tag=Tag.objects.get(pk=number))
    parsed = rules.read(kept)
    assert parsed.messages == [f"Tags: number {number} no longer exists."] and parsed.problems[0].is_gone
    assert not clients_of(parsed, acting(sini), NOW).exists()


def test_a_choice_that_is_gone_is_said():
    found = rules.read(group("all", rule("status", "is", "active", "asleep")))
    assert found.messages == ["“asleep” is no longer a choice of “Status”."] and found.problems[0].path == "0.0"


def test_a_colleague_who_was_disabled_is_still_somebody(three, sini):
    gone = make_user(name="Gone", is_active=False)
    assert names(sini, rule("owner", "is", gone.pk)) == []


def test_rules_are_read_together_in_one_statement_for_each_kind_of_row(sini, django_assert_num_queries):
    tag = create_tag(acting(sini), name="Gold")
    asked = group("all", rule("tags", "is", tag.pk), rule("owner", "is", sini.pk))
    with firm_cached(), django_assert_num_queries(3):  # the firm's own fields, tags and colleagues
        assert all(each.is_sound for each in rules.read_all([asked] * 5))


def test_a_rule_comes_back_as_it_was_kept():
    kept = rules.read(group("any", rule("tier", "is", "A", "A"), rule("nps_score", "is", "7"))).root.as_json()
    assert kept["rules"][0]["values"] == ["A"] and kept["rules"][1]["values"] == [7]
    assert rules.read(kept).root.as_json() == kept
    assert Segment(rule=kept).rule == kept
