"""The change feed: `/api/v1/changes?resource=…` gives every row once, then what has changed since a cursor."""

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from redis import RedisError
from rest_framework import exceptions, serializers, viewsets
from rest_framework.response import Response

from crm.core.api import places
from crm.core.api.feeds import Feed, Gate, Ids, Watch, circumstances, events_of, feeds
from crm.core.api.pagination import read_page_size
from crm.core.api.places import Place
from crm.core.base.registry import always
from crm.core.firm.queries import get_firm

FORMAT = 1  # counts on when records get another shape, so that copies start again
DAYS = 30  # for which a cursor can be used
READ = 2_000  # events at a time
WINDOWS = 25  # stretches of histories that one request reads
ROUND = 3600  # seconds for which it is kept whose sight changed
CHUNK = 100  # clients, engagements … whose rows are looked up at a time
MOST_OPENED = 10_000  # of these at most; beyond, a copy starts again
TRIES, PAUSE = 20, 0.05  # how long a first page waits for writes that are under way
IF_LISTED, IF_SEEN, EVER = range(
    3
)  # when a row that is not listed is told as deleted: never, if it was seen before, always


class StartAgain(exceptions.APIException):
    status_code = 410
    default_detail = _lazy("What you see has changed, or the cursor is too old. Start again without a cursor.")
    default_code = "start_again"


class ChangeSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    deleted = serializers.BooleanField(help_text=_lazy("It was deleted or archived, or you do not see it any more."))
    record = serializers.DictField(allow_null=True, help_text=_lazy("As the resource answers it; null if deleted."))


class ChangesSerializer(serializers.Serializer):
    resource = serializers.CharField()
    results = ChangeSerializer(many=True)
    cursor = serializers.CharField(help_text=_lazy("Send it with the next request."))
    has_more = serializers.BooleanField(help_text=_lazy("Ask again now. Otherwise ask when you like."))


PARAMETERS = [
    OpenApiParameter("resource", OpenApiTypes.STR, required=True, description="The resource, such as clients."),
    OpenApiParameter("cursor", OpenApiTypes.STR, description="From the answer before. Without it: every row, first."),
    OpenApiParameter("page_size", OpenApiTypes.INT, description="Rows a page, 1 to 200."),
]


class ChangeViewSet(viewsets.ViewSet):
    """Keeps a copy elsewhere equal to what you see."""

    @extend_schema(parameters=PARAMETERS, responses={200: ChangesSerializer, 410: inline_serializer("Gone", {})})
    def list(self, request):
        """First every row of a resource, then, with the cursor of the last answer, what has changed since: deletions and what left your
        sight included. The same row may come more than once; the last one counts. 410 means: start again without a cursor.
        """
        if wrong := set(request.query_params) - {"resource", "cursor", "page_size"}:
            raise exceptions.ValidationError({name: [_("Unknown parameter.")] for name in sorted(wrong)})
        feed, size = _feed(request.query_params.get("resource", "")), read_page_size(request)
        given = request.query_params.get("cursor", "")
        reader = Reader(feed, request)
        results, cursor, has_more = reader.go_on(given, size) if given else reader.start(size)
        return Response({"resource": feed.key, "results": results, "cursor": cursor, "has_more": has_more})


def _feed(key: str) -> Feed:
    feed = feeds.get(key)
    if feed is None:
        names = ", ".join(each.key for each in feeds)
        raise exceptions.ValidationError({"resource": [_("Use one of: %(names)s.") % {"names": names}]})
    if not getattr(feed.viewset, "is_used", always)():
        raise Http404
    return feed


class Reader:
    """One answer. Everything in it is of one snapshot."""

    def __init__(self, feed: Feed, request: Any):
        self.feed, self.principal = feed, request.principal
        self.view = feed.viewset(request=request, format_kwarg=None, action="list", args=(), kwargs={})
        self._opened: dict[str, list[int]] = {}
        self._copy = ""

    def start(self, size: int) -> tuple[list[dict[str, Any]], str, bool]:
        """The first page of every row. Waits a moment for writes that are under way, so that their events need not be looked for."""
        before, tries = places.take_mark(self.feed.tables), 1 if connection.in_atomic_block else TRIES
        for left in reversed(range(tries)):
            with places.one_snapshot():
                mark = places.take_mark(self.feed.tables)
                if mark.xmin >= before.xmax or not left:
                    return self._answer(places.first_place(before, mark), self._key(), int(time.time()), size)
            time.sleep(PAUSE)
        raise AssertionError

    def go_on(self, cursor: str, size: int) -> tuple[list[dict[str, Any]], str, bool]:
        """Raises ValidationError, StartAgain."""
        try:
            named, place = places.read(cursor)
        except ValueError as error:
            raise exceptions.ValidationError({"cursor": [_("Invalid cursor.")]}) from error
        if named["of"] != self.feed.key:
            raise exceptions.ValidationError({"cursor": [_("This cursor is of another resource.")]})
        with places.one_snapshot():
            key, now = self._key(), int(time.time())
            if named["key"] != key or named["at"] + DAYS * 86400 < now:
                raise StartAgain()
            if place.mark is None:
                mark = places.take_mark(self.feed.tables)
                if mark.xmax < place.since:
                    raise StartAgain()
                place, named["at"] = place.begun(mark), now
            return self._answer(place, key, named["at"], size)

    def _key(self) -> str:
        """What the whole copy depends on."""
        firm, user = get_firm(), self.principal.user_id
        sight = [each.of(self.principal) for each in circumstances]
        shape = (FORMAT, firm.fields_mark, firm.engagement_word, self.feed.tables)
        return places.fingerprint(self.feed.key, user, sight, shape, places.database())

    def _answer(self, place: Place, key: str, at: int, size: int) -> tuple[list[dict[str, Any]], str, bool]:
        self._copy = key
        place, results, has_more = self._first(place, size) if place.is_first else self._since(place, size)
        return (
            results,
            places.written(place if has_more else place.at_end(), of=self.feed.key, key=key, at=at),
            has_more,
        )

    # Every row

    def _rows(self) -> Any:
        rows = self.view.get_queryset()
        return rows.kept() if hasattr(self.feed.model, "archived_at") else rows

    def _first(self, place: Place, size: int) -> tuple[Place, list[dict[str, Any]], bool]:
        after = place.after[0] if place.after else 0
        rows = list(self._rows().filter(pk__gt=after).order_by("pk")[: size + 1])
        shown = self._shown(rows[:size])
        return (
            replace(place, after=[rows[size - 1].pk] if len(rows) > size else []),
            [*shown.values()],
            len(rows) > size,
        )

    def _shown(self, rows: list[Any]) -> dict[int, dict[str, Any]]:
        rows = self.view.with_more(rows)
        records = self.view.get_serializer(rows, many=True).data
        custom = getattr(self.feed.viewset.serializer_class, "catalogue", None)
        computed = {name for name, entry in custom.custom.items() if entry.is_computed} if custom is not None else set()
        left_out = {*self.feed.left_out, *computed}
        return {
            record["id"]: {
                "id": record["id"],
                "deleted": False,
                "record": {name: value for name, value in record.items() if name not in left_out},
            }
            for record in records
        }

    # What changed

    def _since(self, place: Place, size: int) -> tuple[Place, list[dict[str, Any]], bool]:
        """Rows that are not told do not fill the page."""
        told: list[dict[str, Any]] = []
        found: dict[int, int] = {}
        steps = [None, *self.feed.parts, *self.feed.gates]
        for _window in range(WINDOWS):
            if len(told) + len(found) >= size:
                told, found = told + self._told(found, place), {}
            if place.step == len(steps) or len(told) >= size:
                break
            step = steps[place.step]
            read = self._through(step, place) if isinstance(step, Gate) else self._written(step, place)
            place = self._take(place, read, found, size - len(told), self._when(step))
        has_more = place.step < len(steps)
        return place, told + self._told(found, place), has_more

    def _when(self, step: Any) -> int:
        if isinstance(step, Gate):
            return EVER if step.hides else IF_LISTED
        return EVER if step is not None and step.model in self.feed.openers else IF_SEEN

    def _take(self, place: Place, read: Any, found: dict[int, int], size: int, when: int) -> Place:
        """Note ids until the page is full. `read` is ([(position…, id)], where the stretch ends; None: the step is over)."""
        rows, end = read
        for *position, pk in rows:
            if len(found) >= size and pk not in found:
                return place
            found[pk] = max(found.get(pk, IF_LISTED), when)
            place = replace(place, after=list(position))
        return replace(place, step=place.step + 1, after=[]) if end is None else replace(place, after=end)

    def _bounds(self, model: Any, place: Place) -> tuple[int, int]:
        at = self.feed.tables.index(events_of(model))
        return place.base[at], place.mark.tops[at]  # type: ignore[union-attr]

    def _written(self, part: Any, place: Place) -> tuple[list[tuple], list[int] | None]:
        """Events of the rows, or of one of their parts: those of a part not where the record was written, too."""
        model = part.model if part else self.feed.model
        base, top = self._bounds(model, place)
        after = place.after[0] if place.after else base
        if after >= top:
            return [], None
        end, (since, params) = min(after + 10 * READ, top), places.is_since(place)
        owner, also, more = "e.pgh_obj_id", "", []
        if part:
            owner = part.named("e")
            also = f"{part.condition('e')} AND {owner} IS NOT NULL"
        if part and model not in self.feed.openers:  # the record was told with its own events
            own, own_params = places.is_since(place, "o")
            also += (
                f" AND NOT EXISTS (SELECT FROM {events_of(self.feed.model)} o WHERE o.pgh_obj_id = {owner}"
                f" AND o.pgh_id > %s AND o.pgh_id <= %s AND {own})"
            )
            more = [*self._bounds(self.feed.model, place), *own_params]
        sql = (
            f"SELECT e.pgh_id, {owner} FROM {events_of(model)} e WHERE e.pgh_id > %s AND e.pgh_id <= %s AND {since}{also}"
            f" ORDER BY e.pgh_id LIMIT {READ}"
        )
        rows = fetch(sql, [after, end, *params, *more])
        if len(rows) == READ:
            return rows, [rows[-1][0]]
        return rows, None if end == top else [end]

    def _through(self, gate: Gate, place: Place) -> tuple[list[tuple], list[int] | None]:
        """Rows behind a client, an engagement … whose sight changed, some of these at a time."""
        key, pk = place.after or [0, 0]
        ids = [each for each in self._changed(gate, place) if each >= key][:CHUNK]
        if not ids:
            return [], None
        rows: Any = self.feed.model._base_manager.filter(**{f"{gate.path}__in": ids}).order_by(gate.path, "pk")
        rows = rows.values_list(gate.path, "pk", "pk")
        found = list(rows.filter(**{gate.path: key, "pk__gt": pk})[:READ])
        if len(found) < READ:
            found += list(rows.filter(**{f"{gate.path}__gt": key})[: READ - len(found)])
        if len(found) == READ:
            return found, list(found[-1][:2])
        return found, [ids[-1] + 1, 0] if len(ids) == CHUNK else None

    def _changed(self, gate: Gate, place: Place) -> list[int]:
        """In order. Raises StartAgain if these are very many."""
        if gate.path not in self._opened:
            self._opened[gate.path] = self._kept(gate, place)
        return self._opened[gate.path]

    def _kept(self, gate: Gate, place: Place) -> list[int]:
        """Looked for once a round: what commits during the round is of the next one."""
        round_of = (place.since, place.base, place.mark)
        name = f"changes:{places.fingerprint(self._copy, gate.path, round_of)}"
        with suppress(RedisError):
            if (kept := cache.get(name)) is not None:
                return kept
        found = {pk for watch in gate.watches for pk in self._watched(watch, place)}
        if len(found) > MOST_OPENED:
            raise StartAgain()
        seen = gate.was_seen(self.principal, found, lambda model: self._bounds(model, place)[0]) if found else ()
        with suppress(RedisError):
            cache.set(name, sorted(seen), ROUND)
        return sorted(seen)

    def _watched(self, watch: Watch, place: Place) -> Iterable[int]:
        base, top = self._bounds(watch.model, place)
        if base >= top:
            return ()
        (since, params), table = places.is_since(place), events_of(watch.model)
        sql = f"SELECT DISTINCT e.{watch.column} FROM {table} e"
        where = f" WHERE e.pgh_id > %s AND e.pgh_id <= %s AND {since}"
        if watch.fields:
            now, before = (", ".join(f"{alias}.{name}" for name in watch.fields) for alias in "ep")
            sql += (
                f" LEFT JOIN LATERAL (SELECT * FROM {table} p WHERE p.pgh_obj_id = e.pgh_obj_id AND p.pgh_id < e.pgh_id"
                " ORDER BY p.pgh_id DESC LIMIT 1) p ON true"
            )
            where += f" AND e.pgh_label = 'update' AND (p.pgh_id IS NULL OR ROW({now}) IS DISTINCT FROM ROW({before}))"
        if watch.whose:
            where, params = f"{where} AND e.{watch.whose} = %s", [*params, self.principal.user_id]
        return [pk for (pk,) in fetch(f"{sql}{where} LIMIT {MOST_OPENED + 1}", [base, top, *params]) if pk is not None]

    def _told(self, found: dict[int, int], place: Place) -> list[dict[str, Any]]:
        """The rows as they are now; of those that are not listed, the ids that a copy may have."""
        rows = list(self._rows().filter(pk__in=found)) if found else []
        shown = self._shown(rows) if rows else {}
        gone = {pk for pk in found if pk not in shown}
        told = {pk for pk in gone if found[pk] == EVER}
        if rest := {pk for pk in gone if found[pk] == IF_SEEN}:
            told |= self.feed.was_seen(self.principal, rest, self._bounds(self.feed.model, place)[0])
            for gate in self.feed.gates:
                if gate.hides and (rest := rest - told):
                    told |= self._behind(gate, rest, place)
        deleted = [{"id": pk, "deleted": True, "record": None} for pk in found if pk in told]
        return [*(shown[pk] for pk in found if pk in shown), *deleted]

    def _behind(self, gate: Gate, ids: Ids, place: Place) -> Ids:
        """Those of the rows that are, or were, behind a client, an engagement … whose sight changed."""
        changed = self._changed(gate, place)
        if not changed or gate.path == "pk":
            return ids & {*changed}
        model: Any = self.feed.model
        column, path = "pgh_obj_id", gate.path
        if "__" in path:  # through one of its parts
            name, path = path.split("__")
            relation: Any = model._meta.get_field(name)
            model, column = relation.related_model, relation.field.attname
        rows = model.pgh_event_model.objects.filter(**{f"{column}__in": ids, f"{path}__in": changed})
        return {*rows.values_list(column, flat=True)}


def fetch(sql: str, params: Sequence[Any]) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def versions(model: Any, ids: Ids, base: int) -> list[int]:
    """Events of these rows: those after `base`, and the last one up to it."""
    table = events_of(model)
    sql = (
        f"SELECT e.pgh_id FROM {table} e WHERE e.pgh_obj_id = ANY(%s) AND e.pgh_id >= COALESCE((SELECT max(p.pgh_id) FROM {table} p"
        " WHERE p.pgh_obj_id = e.pgh_obj_id AND p.pgh_id <= %s), 0)"
    )
    return [pk for (pk,) in fetch(sql, [[*ids], base])]


def register(router) -> None:
    router.register("changes", ChangeViewSet, basename="changes")
