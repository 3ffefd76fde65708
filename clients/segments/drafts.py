"""The rule while it is being put together: what the builder posts and shows, complete or not.

A rule has the shape of the JSON that is kept. In the form each group and each rule carries its place, such as 0.2.1: `match-0`,
`field-0.1`, `op-0.1`, `value-0.1`; `was-0.1` is the field that the values were entered for.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as made_by
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from clients.segments.choices import WITH_DAYS, WITH_SEVERAL, WITH_TWO, WITHOUT_VALUES, Kind, Match, Operator
from clients.segments.criteria import ME, Criterion, criteria
from clients.segments.rules import MOST_DEPTH, MOST_RULES, ROOT, Problem
from crm.core.base.reading import whole_number
from crm.core.users.models import User

PLACE = re.compile(r"(match|field|op|value|was)-(0(?:\.[0-9]{1,3}){0,4})")
MOST_NODES = 4 * MOST_RULES
Json = dict[str, Any]


def empty_rule() -> Json:
    return {"field": "", "op": "", "values": []}


def new_rule() -> Json:
    return {"match": Match.ALL.value, "rules": [empty_rule()]}


# What the form posts


def posted_rule(data: QueryDict) -> Json:
    """The rule of the form, as it was typed."""
    found: dict[tuple[int, ...], Json] = {}
    for name in data:
        if part := PLACE.fullmatch(name):
            place = tuple(map(int, part[2].split(".")))
            found.setdefault(place, {})[part[1]] = data.getlist(name)
    groups: dict[tuple[int, ...], Json] = {(0,): {"match": Match.ALL.value, "rules": []}}
    for place in sorted(found)[:MOST_NODES]:
        told = found[place]
        node: Json
        if "match" in told:
            node = {"match": told["match"][0], "rules": []}
            groups[place] = node
        else:
            node = _posted_leaf(told)
        if place != (0,) and place[:-1] in groups:
            groups[place[:-1]]["rules"].append(node)
    return groups[0,]


def _posted_leaf(told: Json) -> Json:
    key, op = told.get("field", [""])[0], told.get("op", [""])[0]
    values = told.get("value", []) if told.get("was", [key])[0] == key else []
    criterion = criteria().get(key)
    if criterion is not None and is_listed(criterion, op):
        values = [line.strip() for text in values for line in text.splitlines()]
    return {"field": key, "op": op, "values": [value for value in values if value.strip()]}


def is_listed(criterion: Criterion, op: str) -> bool:
    """Its values are written one on a line."""
    return criterion.kind in (Kind.TEXT, Kind.NUMBER) and op in WITH_SEVERAL


def changed(rule: Json, action: str) -> Json:
    """After a button: “add 0.1”, “group 0”, “remove 0.2”."""
    verb, _space, place = action.partition(" ")
    if not re.fullmatch(r"0(\.[0-9]{1,3})*", place):
        return rule
    steps = [int(step) for step in place.split(".")[1:]]
    node, parent = rule, None
    for step in steps:
        inner = node.get("rules", [])
        if step >= len(inner):
            return rule
        node, parent = inner[step], node
    if verb == "remove" and parent is not None:
        parent["rules"].remove(node)
    elif verb in ("add", "group") and "rules" in node:
        new = empty_rule() if verb == "add" else {"match": Match.ANY.value, "rules": [empty_rule()]}
        node["rules"].append(new)
    return rule


def fitting(node: Json) -> Json:
    """With an operator that the field has, and values that its input can show."""
    if "rules" in node:
        return {"match": node["match"], "rules": [fitting(each) for each in node["rules"]]}
    criterion = criteria().get(node["field"])
    if criterion is None:
        return node
    op = node["op"] if node["op"] in criterion.operators else criterion.operators[0].value
    return {"field": node["field"], "op": op, "values": [v for v in node["values"] if _fits(criterion, op, str(v))]}


def _fits(criterion: Criterion, op: str, value: str) -> bool:
    if op in WITHOUT_VALUES:
        return False
    if criterion.kind == Kind.DAY:
        return (whole_number(value) is not None) == (op in WITH_DAYS)
    return True


# What the page shows


@dataclass
class Node:
    """A group, or a rule with its control. `control`: none, days, date, dates, number, numbers, lines, text or several."""

    place: str
    match: str = ""
    nodes: list["Node"] = made_by(default_factory=list)
    criterion: Criterion | None = None
    field: str = ""
    op: str = ""
    values: list[str] = made_by(default_factory=list)
    errors: list[str] = made_by(default_factory=list)
    gone_label: str = ""
    operators: list[tuple[str, Any]] = made_by(default_factory=list)
    options: list[tuple[str, Any, bool]] = made_by(default_factory=list)
    control: str = "none"

    @property
    def is_group(self) -> bool:
        return bool(self.match)

    @property
    def may_nest(self) -> bool:
        return self.place.count(".") + 1 < MOST_DEPTH

    @property
    def text(self) -> str:
        return "\n".join(self.values)

    @property
    def first(self) -> str:
        return self.values[0] if self.values else ""

    @property
    def second(self) -> str:
        return self.values[1] if len(self.values) > 1 else ""

    @property
    def rows(self) -> int:
        return min(max(len(self.values), 1), 6)


def nodes_of(rule: Json, problems: Iterable[Problem]) -> Node:
    """The rule as the page shows it, with what is wrong at each place."""
    wrong: dict[str, list[str]] = {}
    for problem in problems:
        wrong.setdefault(problem.path, []).append(problem.message)
    return _node(rule, ROOT, wrong, criteria(), {})


def _node(data: Json, place: str, wrong: Mapping[str, list[str]], known: Mapping[str, Criterion], rows: Json) -> Node:
    errors = wrong.get(place, [])
    if "rules" in data:
        inner = [_node(each, f"{place}.{n}", wrong, known, rows) for n, each in enumerate(data["rules"])]
        return Node(place, match=str(data.get("match") or Match.ALL), nodes=inner, errors=errors)
    key, op = str(data.get("field") or ""), str(data.get("op") or "")
    node = Node(place, field=key, op=op, values=[str(v) for v in data.get("values", [])], errors=errors)
    node.criterion = criterion = known.get(key)
    if criterion is None:
        node.gone_label = str(data.get("label") or key)
        return node
    node.op = op = op if op in criterion.operators else criterion.operators[0].value
    node.operators = [(each.value, each.label) for each in criterion.operators]
    node.control = control_of(criterion, op)
    if node.control == "several":
        node.options = _options(node, criterion, rows)
    return node


def control_of(criterion: Criterion, op: str) -> str:
    if op in WITHOUT_VALUES:
        return "none"
    if op in WITH_DAYS:
        return "days"
    if criterion.kind == Kind.DAY:
        return "dates" if op in WITH_TWO else "date"
    if criterion.kind in (Kind.CHOICE, Kind.ROW, Kind.PERSON):
        return "several"
    if is_listed(criterion, op):
        return "lines"
    if criterion.kind == Kind.NUMBER:
        return "numbers" if op in WITH_TWO else "number"
    return "text"


def _options(node: Node, criterion: Criterion, rows: Json) -> list[tuple[str, Any, bool]]:
    """Value, label, and whether it is chosen; those chosen and gone since are among them."""
    if criterion.choices is not None:
        pairs = [(str(value), label) for value, label in criterion.choices()]
    else:
        if criterion.key not in rows:
            rows[criterion.key] = _rows(criterion)
        pairs = rows[criterion.key]
    chosen, known = set(node.values), {value for value, _label in pairs}
    gone = [(value, _("%(what)s (no longer exists)") % {"what": value}) for value in node.values if value not in known]
    return [(value, label, value in chosen) for value, label in [*pairs, *gone]]


def _rows(criterion: Criterion) -> list[tuple[str, Any]]:
    found: Any = criterion.model._default_manager.order_by("name", "pk")
    pairs = [(str(pk), name) for pk, name in found.values_list("pk", "name")]
    return [(ME, _("Me")), *pairs] if criterion.model is User else pairs


# From the filters of the client list

SAME = {  # filter of the list → field of a rule
    "status": "status",
    "owner": "owner",
    "team": "team",
    "tag": "tags",
    "industry": "industry",
    "country": "country",
    "kind": "kind",
    "relationship": "relationship",
    "onboarding": "onboarding_state",
}
STEPS = {
    "none": {"field": "next_step_at", "op": "empty", "values": []},
    "overdue": {"field": "next_step_at", "op": "before", "values": []},
    "week": {"field": "next_step_at", "op": "in_next", "values": ["7"]},
}
QUIETLY = {"sort", "group", "columns", "view", "cursor", "next"}  # of a list, not filters


def from_filters(query: QueryDict, today: str) -> tuple[Json, list[str]]:
    """A rule that says what the filters of the client list say, and the names of the filters that no rule can say."""
    found, left_out = [], []
    for name in query:
        values = [value for value in query.getlist(name) if value]
        if not values or name in QUIETLY:
            continue
        if rule := _from_filter(name, values, today):
            found.append(rule)
        else:
            left_out.append(name)
    return {"match": Match.ALL.value, "rules": found or [empty_rule()]}, left_out


def _from_filter(name: str, values: list[str], today: str) -> Json | None:
    if name == "tier":
        return _tier(values)
    if name == "quiet":
        return {"field": "is_quiet", "op": Operator.YES.value, "values": []} if values[0] in ("1", "true") else None
    if name == "step" and values[0] in STEPS:
        step = STEPS[values[0]]
        return step | {"values": [today]} if values[0] == "overdue" else dict(step)
    if name in SAME:
        return {"field": SAME[name], "op": Operator.IS.value, "values": values}
    return None


def _tier(values: list[str]) -> Json:
    named: Json = {"field": "tier", "op": Operator.IS.value, "values": [v for v in values if v != "none"]}
    if "none" not in values:
        return named
    without: Json = {"field": "tier", "op": Operator.EMPTY.value, "values": []}
    return {"match": Match.ANY.value, "rules": [without, named]} if named["values"] else without
