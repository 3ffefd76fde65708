"""The firm's own fields in rules: each kind and operator, values that are not there, and a field that goes."""

from datetime import date
from decimal import Decimal

import pytest

from clients.records.services.clients import update_client
from clients.segments import criteria, rules
from clients.segments.choices import Operator
from clients.segments.compile import clients_of
from crm.core.base.principals import acting
from crm.core.fields.custom.services import archive_field, create_field, update_field
from tools.testing.factories.clients import NOW, make_client

pytestmark = pytest.mark.django_db
OPTIONS = {"options": ["Gold", "Silver", "Tin"]}
FIELDS = {
    "text": {},
    "long_text": {},
    "number": {"decimals": 1},
    "money": {},
    "date": {},
    "choice": OPTIONS,
    "choices": OPTIONS,
    "yes_no": {},
    "user": {},
    "client": {},
    "email": {},
}


def rule(field, op, *values):
    return {"field": f"cf_own_{field}", "op": op, "values": list(values)}


def names(who, *inner, match="all"):
    parsed = rules.read({"match": match, "rules": list(inner)})
    assert parsed.is_sound, parsed.messages
    return "".join(sorted(row.name[0] for row in clients_of(parsed, acting(who), NOW)))


@pytest.fixture
def three(aino, marta, otto):
    """A: everything is known. B: other values. C: nothing is."""
    made = {
        kind: create_field(acting(aino), record="client", label=f"Own {kind}", kind=kind, **FIELDS[kind])
        for kind in FIELDS
    }
    a, b, c = (make_client(owner=marta, name=name) for name in ("Aava", "Birka", "Ceder"))
    values = {
        "text": ("North Sea", "south"),
        "long_text": ("Likes calls", "Writes"),
        "number": (Decimal("9.5"), Decimal(100)),
        "money": (Decimal("1200.50"), Decimal(300)),
        "date": (date(2026, 11, 20), date(2026, 1, 5)),
        "choice": ("gold", "tin"),
        "choices": (["gold", "silver"], ["tin"]),
        "yes_no": (True, False),
        "user": (marta, otto),
        "client": (c, c),
        "email": ("A@x.example", "b@x.example"),
    }
    for n, row in enumerate((a, b)):
        given = {made[kind].name: value[n] for kind, value in values.items()}
        update_client(acting(aino), client=row, **given)
    return made


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (rule("text", "is", "NORTH sea"), "A"),
        (rule("text", "is_not", "north sea"), "BC"),
        (rule("text", "contains", "Sea"), "A"),
        (rule("text", "contains_not", "sea"), "BC"),
        (rule("text", "starts_with", "SOU"), "B"),
        (rule("text", "empty"), "C"),
        (rule("text", "given"), "AB"),
        (rule("long_text", "contains", "likes"), "A"),
        (rule("email", "is", "a@X.example"), "A"),
        (rule("number", "more", 9.5), "B"),
        (rule("number", "at_least", 9.5), "AB"),
        (rule("number", "less", 10), "A"),
        (rule("number", "at_most", 9.5), "A"),
        (rule("number", "between", 9, 10), "A"),
        (rule("number", "is", 100), "B"),
        (rule("number", "is_not", 100), "AC"),
        (rule("money", "at_least", "1200.5"), "A"),
        (rule("date", "on", "2026-11-20"), "A"),
        (rule("date", "before", "2026-11-20"), "B"),
        (rule("date", "after", "2026-01-05"), "A"),
        (rule("date", "from_to", "2026-01-05", "2026-11-20"), "AB"),
        (rule("date", "in_last", 30), "A"),
        (rule("date", "not_in_last", 30), "BC"),
        (rule("date", "this_year"), "AB"),
        (rule("choice", "is", "gold", "silver"), "A"),
        (rule("choice", "is_not", "gold"), "BC"),
        (rule("choices", "is", "silver", "tin"), "AB"),
        (rule("choices", "is_not", "silver"), "BC"),
        (rule("choices", "empty"), "C"),
        (rule("yes_no", "yes"), "A"),
        (rule("yes_no", "no"), "B"),
        (rule("user", "is", "me"), "A"),
        (rule("user", "is_not", "me"), "BC"),
    ],
    ids=str,
)
def test_a_rule_finds_those_it_says(three, marta, asked, found):
    assert names(marta, asked) == found
    assert names(marta, asked, match="none") == "".join(sorted({*"ABC"} - {*found}))


def test_every_operator_is_offered_and_works(three, marta):
    samples = {"number": ["3", "4"], "day": ["2026-01-01", "2026-02-01"], "choice": ["gold"], "person": ["me"]}
    seen = set()
    for criterion in criteria.criteria().values():
        if not criterion.key.startswith("cf_"):
            continue
        seen.add(criterion.key)
        for operator in criterion.operators:
            wanted = 0 if operator in rules.WITHOUT_VALUES else 2 if operator in rules.WITH_TWO else 1
            values = ["5"] if operator in rules.WITH_DAYS else samples.get(criterion.kind, ["x"])[:wanted]
            asked = {"field": criterion.key, "op": operator.value, "values": values}
            inside, outside = names(marta, asked), names(marta, asked, match="none")
            assert "".join(sorted(inside + outside)) == "ABC", (criterion.key, operator)
    assert seen == {f"cf_own_{kind}" for kind in FIELDS} - {"cf_own_client"}, (
        "who sees a client differs from reader to reader"
    )
    assert Operator.IS not in criteria.criteria()["cf_own_long_text"].operators


def test_a_field_that_is_archived_or_renamed(three, aino, marta):
    asked = rule("choice", "is_not", "gold")
    update_field(acting(aino), field=three["choice"], label="Metal")
    assert names(marta, asked) == "BC" and str(criteria.criteria()["cf_own_choice"].label) == "Metal"
    archive_field(acting(aino), field=three["choice"], now=NOW)
    parsed = rules.read({"match": "all", "rules": [asked]})
    assert not parsed.is_sound and "cf_own_choice" in " ".join(parsed.messages)
    assert not clients_of(parsed, acting(marta), NOW).exists()


def test_a_choice_that_is_no_longer_offered_is_named(three, aino, marta):
    update_field(acting(aino), field=three["choice"], options=["Silver", "Tin"])
    parsed = rules.read({"match": "all", "rules": [rule("choice", "is_not", "gold")]})
    assert not parsed.is_sound and "gold" in " ".join(parsed.messages)
