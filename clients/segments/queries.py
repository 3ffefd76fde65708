"""Reads of segments: by number, in words, who joined and left."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clients.records.models import Client
from clients.segments import rules
from clients.segments.choices import ME, WITH_DAYS, WITHOUT_VALUES, Kind, Match, Operator
from clients.segments.compile import clients_of, mark_of, narrow, reader_of
from clients.segments.models import Segment, SegmentChange, SegmentMember, SegmentNote
from crm.core.base.principals import Principal
from crm.core.fields.custom.entries import Record
from crm.core.fields.custom.queries import Use
from crm.core.fields.custom.telling import Owned
from crm.core.listing.models import SavedView
from crm.core.ui.formatting import in_sentence, number

CLIENT_LIST = "clients:list"
VALUES_SAID = 3


@dataclass(frozen=True)
class Chosen:
    """A segment that somebody filters by. `why`: why it holds no client, "" where it may."""

    segment: Segment | None
    parsed: rules.Parsed | None
    why: str = ""


def choose(principal: Principal, pk: int) -> Chosen:
    """The segment as the principal may use it."""
    segment = Segment.objects.visible_to(principal).kept().filter(pk=pk).first()
    if segment is None:
        return Chosen(None, None, _("This segment was deleted, or is not shared with you. It holds no clients."))
    parsed = rules.read(segment.rule)
    if parsed.is_sound:
        return Chosen(segment, parsed)
    return Chosen(segment, parsed, broken_words(segment, parsed))


def broken_words(segment: Segment, parsed: rules.Parsed) -> str:
    told = {"name": segment.name, "what": " ".join(parsed.messages)}
    return _("The segment “%(name)s” holds no clients until it is mended: %(what)s") % told


def in_segment(clients: QuerySet, chosen: Chosen, principal: Principal, now: datetime) -> QuerySet:
    """Narrow clients that the principal sees."""
    if chosen.parsed is None or chosen.segment is None:
        return clients.none()
    return narrow(clients, chosen.parsed, reader_of(principal, now, me=chosen.segment.owner_id))


def views_with(segment: Segment) -> QuerySet:
    """The saved views of the client list that use the segment, of anybody."""
    return SavedView.objects.kept().filter(list_key=CLIENT_LIST, query__segment__contains=[str(segment.pk)])


def segments_with(principal: Principal, record: Record, name: str) -> list[Use]:
    """The segments whose rule asks a field, of anybody; those of others that are not shared stay without a name."""
    if record.model is not Client:
        return []
    found = [row for row in Segment.objects.kept().order_by("name") if name in _asked(row.rule)]
    seen = set(
        Segment.objects.visible_to(principal).filter(pk__in=[row.pk for row in found]).values_list("pk", flat=True)
    )
    return [
        Use(_("Segment"), row.name, row.get_absolute_url()) if row.pk in seen else Use(_("Segment")) for row in found
    ]


def owned_with(record: Record, name: str) -> Iterable[Owned]:
    """Everybody's segments whose rule asks a field."""
    if record.model is Client:
        for row in Segment.objects.kept().select_related("owner").order_by("pk"):
            if name in _asked(row.rule):
                yield Owned(row.owner, _("the segment"), row.name, row.get_absolute_url(), partial(_breaks, row.rule))


def _breaks(rule: Any, before: str) -> bool:
    return not rules.read(rule).is_sound


def _asked(rule: Any) -> set[str]:
    """The fields in a rule."""
    if not isinstance(rule, dict):
        return set()
    inner = [_asked(each) for each in rule.get("rules", [])]
    return {str(rule.get("field", ""))}.union(*inner)


# Who joined and left


@dataclass(frozen=True)
class Moved:
    """After the end of the day `since`. None of both: not noted yet."""

    joined: QuerySet | None
    left: QuerySet | None
    since: date | None = None


def moved(principal: Principal, segment: Segment, parsed: rules.Parsed, now: datetime) -> Moved:
    """Who joined and left since the day before the members were last noted, as far as the principal sees them: what was noted then,
    and what happened since. A rule that says “me” is noted as its owner sees it, and told to nobody else.
    """
    note = SegmentNote.objects.filter(segment=segment, rule_mark=mark_of(segment.rule)).first()
    if not parsed.is_sound or note is None or (parsed.is_personal and segment.owner_id != principal.user_id):
        return Moved(None, None)
    of_client = {"segment": segment, "client": OuterRef("pk")}
    was_in = Exists(SegmentMember.objects.filter(**of_client))
    noted = SegmentChange.objects.filter(day=note.day, **of_client)
    inside = clients_of(parsed, principal, now)
    seen = Client.objects.visible_to(principal).kept()
    came = Q(Exists(noted.filter(has_joined=True)))
    went = Q(Exists(noted.filter(has_joined=False)))
    joined = inside.filter((~Q(was_in) & ~went) | (Q(was_in) & came))
    left = seen.filter((Q(was_in) & ~came) | (~Q(was_in) & went)).exclude(pk__in=inside.order_by().values("pk"))
    return Moved(joined, left, note.day - timedelta(days=1))


# In words


def in_words(parsed: Iterable[rules.Parsed]) -> list[str]:
    """Each rule as a sentence. Looks up the names of linked rows, in a statement for each kind of them."""
    parsed = list(parsed)
    ids = rules.ids_by_model((each.root for each in parsed), most=VALUES_SAID)
    names = {
        model: dict(model._default_manager.filter(pk__in=pks).values_list("pk", "name")) if pks else {}
        for model, pks in ids.items()
    }
    return [_group_words(each.root, names) for each in parsed]


def _group_words(group: rules.Group, names: dict[Any, dict[int, str]], *, is_inner: bool = False) -> str:
    said = [
        _group_words(each, names, is_inner=True)
        if isinstance(each, rules.Group)
        else _rule_words(each, names, is_first=not place and not is_inner)
        for place, each in enumerate(group.rules)
    ]
    joint = _(" and ") if group.match == Match.ALL else _(" or ")
    text = joint.join(said)
    if group.match == Match.NONE:
        return _("not (%(what)s)") % {"what": text}
    return f"({text})" if is_inner and len(said) > 1 else text


def _rule_words(rule: rules.Rule, names: dict[Any, dict[int, str]], *, is_first: bool) -> str:
    label, operator = str(rule.criterion.label), Operator(rule.operator)
    label = label if is_first else in_sentence(label)
    if operator in WITHOUT_VALUES:
        return f"{label} {operator.label}"
    values = [_value_words(rule, value, names) for value in rule.values[:VALUES_SAID]]
    if operator in WITH_DAYS:
        return f"{label} {str(operator.label).replace('…', values[0])}"
    if operator == Operator.FROM_TO:
        return f"{label} {_('is from %(a)s to %(b)s') % {'a': values[0], 'b': values[1]}}"
    if operator == Operator.BETWEEN:
        return f"{label} {_('is between %(a)s and %(b)s') % {'a': values[0], 'b': values[1]}}"
    rest = len(rule.values) - len(values)
    if rest:
        values.append(ngettext("%(n)s more", "%(n)s more", rest) % {"n": number(rest)})
    joint = _(" and ") if operator == Operator.HAS_ALL else _(" or ")
    return f"{label} {operator.label} {joint.join(values)}"


def _value_words(rule: rules.Rule, value: Any, names: dict[Any, dict[int, str]]) -> str:
    criterion = rule.criterion
    if criterion.model is not None:
        return _("me") if value == ME else names[criterion.model].get(value, f"#{value}")
    if criterion.kind == Kind.CHOICE and criterion.choices:
        return str({str(key): label for key, label in criterion.choices()}.get(str(value), value))
    if criterion.kind == Kind.DAY and rule.operator not in WITH_DAYS:
        return date_format(date.fromisoformat(value), "j M Y")
    if criterion.kind == Kind.NUMBER:
        return number(float(value), criterion.places if float(value) % 1 else 0)
    return str(value)
