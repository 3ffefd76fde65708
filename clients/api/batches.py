"""A batch of the API: up to 200 rows, each created, or changed if it is known by its id or an external id."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.http import Http404
from django.utils.translation import gettext_lazy as _lazy
from drf_spectacular.utils import inline_serializer
from rest_framework import exceptions, serializers
from rest_framework.relations import ManyRelatedField

from clients.records.external import TAKEN, external_id_taken
from clients.records.models import ExternalId
from crm.core.api.errors import PreconditionFailed, handle
from crm.core.api.serializers import PartSerializer, RelatedField, StrictSerializer
from crm.core.base.errors import ServiceError

MOST_ROWS = 200
CREATED, UPDATED, UNCHANGED, FAILED = "created", "updated", "unchanged", "failed"
Pair = tuple[str, str]
Given = dict[str, Any]


class ExternalIdSerializer(PartSerializer):
    system = serializers.CharField(max_length=60)
    value = serializers.CharField(max_length=200)


class TooManyRows(exceptions.APIException):
    status_code = 413
    default_detail = _lazy("A batch has up to 200 rows.")
    default_code = "too_many_rows"


class Refused(exceptions.ValidationError):
    """A batch of which nothing was written: `fields` has the error of each refused row under its number, from 0."""

    status_code = 422


class BatchSerializer(StrictSerializer):
    rows = serializers.ListField(
        child=serializers.DictField(),
        min_length=1,
        help_text=_lazy(
            "Fields of the record, with `id` or `external_ids` of a known one; `version`: the one you read"
        ),
    )
    all_or_nothing = serializers.BooleanField(
        required=False, default=False, help_text=_lazy("Write nothing if one row is refused (422).")
    )

    def to_internal_value(self, data):
        rows = data.get("rows") if isinstance(data, dict) else None
        if isinstance(rows, list) and len(rows) > MOST_ROWS:
            raise TooManyRows()
        return super().to_internal_value(data)


class BatchResultSerializer(serializers.Serializer):
    status = serializers.IntegerField(help_text=_lazy("201 created, 200 updated or unchanged, 4xx refused"))
    outcome = serializers.ChoiceField(choices=[CREATED, UPDATED, UNCHANGED, FAILED])
    id = serializers.IntegerField(allow_null=True)
    version = serializers.IntegerField(allow_null=True)
    error = inline_serializer(
        "BatchError",
        {
            "code": serializers.CharField(),
            "message": serializers.CharField(),
            "fields": serializers.DictField(),
        },
        allow_null=True,
    )


class BatchAnswerSerializer(serializers.Serializer):
    results = BatchResultSerializer(many=True)


class Batch:
    """Rows in the order given, as if each were sent by itself after the others. What they name is looked up together first."""

    def __init__(self, view: Any, rows: list[Given]):
        self.view, self.rows = view, rows
        self.pairs = [_pairs_of(row) for row in rows]
        self.known = self._external_ids()
        wanted = {*self.known.values(), *(pk for row in rows if (pk := _id_of(row)))}
        found = view.with_more(list(view.get_queryset().filter(pk__in=wanted)))
        self.there = {row.pk: row for row in found}
        self.written: set[int] = set()  # by this batch, which may have taken them out of sight
        self.before = {record["id"]: record for record in view.get_serializer(found, many=True).data}
        self.new, self.old = view.get_serializer(data={}), view.get_serializer(data={}, partial=True)
        self._look_up()

    def _external_ids(self) -> dict[Pair, int]:
        values: dict[str, set[str]] = defaultdict(set)
        for system, value in (pair for pairs in self.pairs for pair in pairs):
            values[system].add(value)
        if not values:
            return {}
        any_of = Q()
        for system, some in values.items():
            any_of |= Q(system=system, value__in=some)
        found = ExternalId.objects.filter(any_of, kind=self.view.external_kind)
        return {(system, value): pk for system, value, pk in found.values_list("system", "value", "object_id")}

    def _look_up(self) -> None:
        """The related rows that the rows name."""
        related: dict[str, dict[int, Any]] = {}
        for name, field in self.new.fields.items():
            one = field.child_relation if isinstance(field, ManyRelatedField) else field
            if not isinstance(one, RelatedField) or field.read_only:
                continue
            given = [row[name] for row in self.rows if row.get(name)]
            ids = {pk for each in given for pk in (each if isinstance(each, list) else [each]) if type(pk) is int}
            if ids:
                related[name] = one.get_queryset().in_bulk(ids)
        self.new.context["related"] = self.old.context["related"] = related

    def results(self, *, all_or_nothing: bool) -> list[dict[str, Any]]:
        """Raises Refused, Throttled."""
        found = [self._one(row, pairs) for row, pairs in zip(self.rows, self.pairs, strict=True)]
        if all_or_nothing and (errors := {str(n): row["error"] for n, row in enumerate(found) if row["error"]}):
            raise Refused(errors)
        return found

    def _one(self, row: Given, pairs: list[Pair]) -> dict[str, Any]:
        try:
            made, outcome = self._write(dict(row), pairs)
        except exceptions.Throttled:
            raise
        except (ServiceError, exceptions.APIException, PermissionDenied, Http404) as error:
            refused = handle(error, self.view.get_renderer_context())
            return _result(refused.status_code, FAILED, error=refused.data)
        self.there[made.pk] = made
        if outcome != UNCHANGED:
            self.before.pop(made.pk, None)
            self.written.add(made.pk)
            for rows in self.new.context["related"].values():
                if isinstance(rows.get(made.pk), type(made)):
                    del rows[made.pk]  # looked up again
        self.known |= dict.fromkeys(pairs, made.pk)
        return _result(201 if outcome == CREATED else 200, outcome, made)

    def _write(self, given: Given, pairs: list[Pair]) -> tuple[Any, str]:
        version = given.pop("version", None)
        found = self._found(given, pairs)
        if found is None:
            try:
                with transaction.atomic():
                    return self._create(given), CREATED
            except ServiceError as error:
                found = self.view.known(pairs) if error.code == TAKEN else None  # another request has just created it
                if found is None:
                    raise
        if version is not None and (type(version) is not int or version != found.version):
            raise PreconditionFailed()
        record = self._record(found)
        rest = {name: value for name, value in given.items() if name not in record or not _same(value, record[name])}
        if "external_ids" in given and any(self.known.get(pair) != found.pk for pair in pairs):
            rest["external_ids"] = given["external_ids"]
        data = _validated(self.old, rest, found) if rest else {}
        if self._is_same(record, rest, data):
            return found, UNCHANGED
        with transaction.atomic():
            return self.view.change(found, data, version) or found, UPDATED

    def _record(self, row: Any) -> Given:
        """As the API shows it now."""
        if row.pk not in self.before:
            fresh = self.view.with_more(list(self.view.get_queryset().filter(pk=row.pk)))
            self.before[row.pk] = self.view.get_serializer(fresh, many=True).data[0] if fresh else {}
        return self.before[row.pk]

    def _found(self, given: Given, pairs: list[Pair]) -> Any:
        if "id" in given:
            pk = _id_of(given)
            given.pop("id")
            if not self._is_there(pk):
                raise Http404
            return self.there[pk]
        for pair in pairs:
            if (pk := self.known.get(pair)) is not None:
                if not self._is_there(pk):
                    self.view.count_refusal(*pair)
                    raise external_id_taken()
                return self.there[pk]
        return None

    def _is_there(self, pk: int | None) -> bool:
        if pk in self.written and not self.view.get_queryset().filter(pk=pk).exists():
            self.there.pop(pk, None)
        return pk in self.there

    def _create(self, given: Given) -> Any:
        data = _validated(self.new, given, None)
        ids = [(pair["system"], pair["value"]) for pair in data.pop("external_ids", [])]
        return self.view.link(self.view.create_row(data), ids)

    def _is_same(self, record: Given, given: Given, data: Given) -> bool:
        """Whether the record says all of this already, though it was written in another way."""
        for name in given:
            field = self.old.fields[name]
            if name == "external_ids" or field.write_only or field.source not in data:
                return False
            value = data[field.source]
            if not _same(None if value is None else field.to_representation(value), record.get(name)):
                return False
        return True


def _same(given: Any, there: Any) -> bool:
    """Whether what was given is so: of a part, the fields that were given."""
    if isinstance(given, dict) and isinstance(there, dict):
        return all(name in there and _same(value, there[name]) for name, value in given.items())
    if isinstance(given, list) and isinstance(there, list):
        return len(given) == len(there) and all(_same(*pair) for pair in zip(given, there, strict=True))
    return bool(given == there)


def _validated(serializer: Any, given: Given, row: Any) -> Given:
    """A serializer that was made once reads one row after the other."""
    serializer.instance, serializer.initial_data = row, given
    for name in ("_validated_data", "_errors", "_data"):
        serializer.__dict__.pop(name, None)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def _id_of(row: Given) -> int | None:
    pk = row.get("id")
    return pk if type(pk) is int and 0 < pk < 2**63 else None


def _pairs_of(row: Given) -> list[Pair]:
    """Its external ids as they are stored; none if they are not well-formed, which its serializer says."""
    ids = ExternalIdSerializer(data=row.get("external_ids", []), many=True)
    given: Iterable[Any] = ids.validated_data if ids.is_valid() else ()
    return [(pair["system"].lower(), pair["value"]) for pair in given]


def _result(status: int, outcome: str, row: Any = None, error: Any = None) -> dict[str, Any]:
    found = (
        {"id": row.pk, "version": getattr(row, "version", None)} if row is not None else {"id": None, "version": None}
    )
    return {"status": status, "outcome": outcome, **found, "error": error}


def answer_of(view: Any, data: Any) -> dict[str, Any]:
    """What a request for a batch is answered. Raises ValidationError, TooManyRows, Refused."""
    body = BatchSerializer(data=data)
    body.is_valid(raise_exception=True)
    given = body.validated_data
    results = Batch(view, given["rows"]).results(all_or_nothing=given["all_or_nothing"])
    return {"results": results}
