"""Imports by the API: the same jobs, permission, previews and undo as the pages."""

from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import exceptions, parsers, serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from crm.core.api.idempotency import idempotently
from crm.core.api.parsers import JSONParser
from crm.core.api.serializers import StrictSerializer, summary
from crm.core.api.viewsets import IDEMPOTENCY_KEY, ReadApiViewSet, act, unless_known
from crm.core.base.errors import ServiceError
from crm.core.base.permissions import require
from crm.core.base.reading import whole_number
from crm.core.files.models import StoredFile
from crm.core.files.services import read_bytes, store_upload
from crm.core.importing import by_program, kinds, undoing
from crm.core.importing import services as imports
from crm.core.importing.forms import MODE_LABELS
from crm.core.importing.kinds import CONFIRMED, LEFT_OUT
from crm.core.importing.models import MoveFile
from crm.core.importing.permissions import may_import, may_import_job
from crm.core.importing.planner import kind_of
from crm.core.importing.presets import reason
from crm.core.importing.views import GROUPS, ImportFilters, own_imports
from crm.core.work.choices import JobState
from crm.core.work.leases import OPEN, seconds_left
from crm.core.work.models import Job

TEXTS = serializers.DictField(child=serializers.CharField(allow_blank=True))
MODES = [(value or "both", label) for value, label in MODE_LABELS]
SAID = {
    "encoding": _lazy("Of a text: utf-8, cp1252 …"),
    "delimiter": _lazy("Of a text"),
    "mapping": _lazy("{field: column}; “” leaves a field out"),
    "defaults": _lazy("{field: value} of rows that say nothing"),
    "system": _lazy("Whose ids they are, such as salesforce"),
    "answers": _lazy(
        "How columns are read that can be read in several ways: {field: value}, or date_order and decimal for all"
    ),
    "zone": _lazy("Of times that name none, such as Europe/Helsinki"),
    "values": _lazy("What words of the file mean here: {vocabulary: {word: meaning}}; “” leaves a word out"),
}


class ChoicesSerializer(StrictSerializer):
    """What an import is told; what is left out stays as it was understood."""

    kind = serializers.CharField(required=False, help_text=_lazy("Default: what the file looks like"))
    table = serializers.CharField(required=False, help_text=_lazy("Which one, if the file has several"))
    mode = serializers.ChoiceField(choices=MODES, required=False)
    encoding = serializers.CharField(required=False, help_text=SAID["encoding"])
    delimiter = serializers.CharField(required=False, trim_whitespace=False, help_text=SAID["delimiter"])
    system = serializers.CharField(required=False, allow_blank=True, max_length=60, help_text=SAID["system"])
    zone = serializers.CharField(required=False, allow_blank=True, help_text=SAID["zone"])
    mapping = serializers.JSONField(required=False, help_text=SAID["mapping"])
    defaults = serializers.JSONField(required=False, help_text=SAID["defaults"])
    answers = serializers.JSONField(required=False, help_text=SAID["answers"])
    values = serializers.JSONField(required=False, help_text=SAID["values"])

    def validate(self, attrs):
        wrong = {name: [_("Send an object of texts.")] for name in attrs if not by_program.is_texts(name, attrs[name])}
        if wrong:
            raise serializers.ValidationError(wrong)
        return attrs | ({"mode": "" if attrs["mode"] == "both" else attrs["mode"]} if "mode" in attrs else {})


class UploadSerializer(ChoicesSerializer):
    file = serializers.FileField(required=False, allow_empty_file=True, help_text=_lazy("CSV, XLSX, vCard, LEDES …"))
    file_id = serializers.IntegerField(required=False, help_text=_lazy("Of a file you uploaded before, instead"))
    check = serializers.BooleanField(default=True, help_text=_lazy("Plan all rows now, for the preview"))

    def validate(self, attrs):
        if ("file" in attrs) == ("file_id" in attrs):
            raise serializers.ValidationError({"file": [_("Send a file, or the id of one.")]})
        return super().validate(attrs)


class StartSerializer(StrictSerializer):
    questions = serializers.ChoiceField(
        choices=[CONFIRMED, LEFT_OUT], required=False, default="", help_text=_lazy("What becomes of flagged rows")
    )


class UndoSerializer(serializers.Serializer):
    """`left`: records that stay, and why. Before the undo: what it would do, of the first records if `is_partial`."""

    state = serializers.CharField(help_text=_lazy("“preview” before it was started, then the state of the undo"))
    counts = serializers.DictField(child=serializers.IntegerField())
    left = serializers.ListField(child=serializers.DictField())
    done = serializers.IntegerField()
    total = serializers.IntegerField(allow_null=True)
    is_partial = serializers.BooleanField()
    error = serializers.CharField()


class RowSerializer(serializers.Serializer):
    number = serializers.IntegerField(help_text=_lazy("Line of the file"))
    outcome = serializers.ChoiceField(choices=list(kinds.OUTCOMES))
    target = serializers.CharField(help_text=_lazy("The record or client it belongs to"))
    url = serializers.CharField()
    changes = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))
    texts = serializers.ListField(child=serializers.CharField())
    is_question = serializers.BooleanField()


class RowsSerializer(serializers.Serializer):
    """`kept`: how many rows of this group the report holds, of `count`."""

    show = serializers.CharField()
    count = serializers.IntegerField()
    kept = serializers.IntegerField()
    next_offset = serializers.IntegerField(allow_null=True)
    rows = RowSerializer(many=True)


class ImportSerializer(serializers.ModelSerializer):
    """`counts` are those of the preview until it is started. `needs`: what must be said first."""

    kind = serializers.SerializerMethodField()
    file = serializers.SerializerMethodField()
    move = serializers.SerializerMethodField()
    needs = serializers.SerializerMethodField()
    understood = serializers.SerializerMethodField()
    counts = serializers.SerializerMethodField()
    unknown_words = serializers.SerializerMethodField()
    actions = serializers.SerializerMethodField(help_text=_lazy("What can be done now"))
    seconds_left = serializers.SerializerMethodField()
    has_failed_rows = serializers.SerializerMethodField()

    class Meta:
        model = Job
        fields = (
            *("id", "kind", "state", "title", "file", "move", "needs", "understood", "counts", "unknown_words"),
            *("actions", "total", "done", "seconds_left", "has_failed_rows", "error"),
            *("created_at", "started_at", "ended_at"),
        )
        read_only_fields = fields

    def get_kind(self, job) -> str:
        return kind_of(job).key

    @extend_schema_field(serializers.DictField(allow_null=True, help_text=_lazy("Null once it was swept")))
    def get_file(self, job):
        return summary(job.file) if job.file else None

    def get_move(self, job) -> int | None:
        return MoveFile.objects.filter(job=job).values_list("move", flat=True).first()

    def get_needs(self, job) -> str:
        return by_program.needs(job) if job.state == JobState.READY and job.options.get("table", "") is not None else ""

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_understood(self, job):
        options = job.options
        tables = [
            {"key": key, "title": title, "rows": n, "kind": kind} for key, title, n, kind in options.get("tables", [])
        ]
        kept = {name: options.get(name) for name in ("mapping", "defaults", "system", "answers", "zone", "header")}
        used = {*(kept["mapping"] or {}).values()}
        left = {name: reason(why) for name, why in options.get("left_out", {}).items() if name not in used}
        unused = [name for name in kept["header"] or [] if name not in used and name not in left]
        more = {
            "tables": tables,
            "table": options.get("table", ""),
            "mode": options.get("mode") or "both",
            "left_out": left,
        }
        like = options.get("looks_like", {}).get("title", "")
        return {"looks_like": like, **options.get("dialect", {}), **kept, **more, "unused": unused}

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_counts(self, job):
        report = job.report
        return {**report.get("counts", {}), **{name: report.get(name, 0) for name in ("remarks", "questions")}}

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_unknown_words(self, job):
        return {vocabulary: dict(words) for vocabulary, words in job.report.get("unknown", [])}

    def get_actions(self, job) -> list[str]:
        is_ready = job.state == JobState.READY
        may = {
            "check": is_ready,
            "start": is_ready and not by_program.needs(job),
            "discard": is_ready,
            "pause": job.state in OPEN,
            "resume": imports.may_go_on(job),
            "undo": undoing.may_be_undone(job),
        }
        return [name for name, allowed in may.items() if allowed]

    def get_seconds_left(self, job) -> int | None:
        return seconds_left(job)

    def get_has_failed_rows(self, job) -> bool:
        return job.failed_rows_id is not None


SHOW = OpenApiParameter("show", OpenApiTypes.STR, enum=list(GROUPS), description="Which rows. Default: failed.")
OFFSET = OpenApiParameter("offset", OpenApiTypes.INT, description="Rows to skip: `next_offset` of the answer before.")
EMPTY: dict[str, Any] = {"request": None, "responses": ImportSerializer, "parameters": [IDEMPOTENCY_KEY]}
PAGE = 50


class ImportViewSet(ReadApiViewSet):
    """Your imports. POST uploads a file and plans its rows; `…/rows` shows them; `…/start` imports; `…/undo` takes it back. Several files
    of one export are one of `import-moves`."""

    queryset = Job.objects.filter(kind__startswith="import:").select_related("user", "file", "failed_rows")
    serializer_class = ImportSerializer
    filterset_class = ImportFilters
    lookup_value_regex = "[0-9]{1,18}"

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        require(may_import(request.principal))

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset()
        return own_imports(self.request.principal).select_related("user", "file", "failed_rows")

    def get_object(self):
        job = super().get_object()
        require(may_import_job(self.request.principal, job))
        return job

    def get_parsers(self):
        return [parsers.MultiPartParser(), JSONParser()]

    @extend_schema(
        parameters=[IDEMPOTENCY_KEY],
        request={"multipart/form-data": UploadSerializer, "application/json": UploadSerializer},
        responses={201: ImportSerializer},
    )
    def create(self, request):
        """Upload a file, or import one of yours again. It is read, its columns are understood, and its rows are planned; nothing is
        written before `…/start`. With `needs`, something must be said first by PATCH."""

        def make() -> Response:
            given = _read(UploadSerializer, request)
            principal, wants_check = request.principal, given.pop("check")
            file = _file(principal, given)
            kind, table = given.pop("kind", ""), given.pop("table", "")
            job = by_program.begin(principal, file=file, kind=kind, table=table)
            if job.options.get("table", "") is not None:
                _settled(principal, job, given)
                job.refresh_from_db()
                if wants_check and not by_program.needs(job):
                    imports.check_import(principal, job=job, now=timezone.now())
            return self.answer(job, status=201)

        return idempotently(request, make, self)

    @extend_schema(request=ChoicesSerializer, responses=ImportSerializer)
    @transaction.atomic
    def partial_update(self, request, pk=None):
        """Say how the file is to be read. What is not said stays; its preview is made again by `…/check`. Refused, nothing changes."""
        job, given = self.get_object(), _read(ChoicesSerializer, request)
        kind, table = given.pop("kind", ""), given.pop("table", "")
        if table or kind and job.options.get("table", "") is None:
            chosen = by_program.kind_of(kind) if kind else None
            job = imports.choose_table(request.principal, job=job, table=table, kind=chosen)
        elif kind and kind != kind_of(job).key:
            job = imports.change_kind(request.principal, job=job, kind=by_program.kind_of(kind))
        return self.answer(by_program.settle(request.principal, job, given))

    @extend_schema(responses={204: None})
    def destroy(self, request, pk=None):
        """Discard one that was never started."""
        imports.discard_import(request.principal, job=self.get_object())
        return Response(status=204)

    @extend_schema(**EMPTY)
    @action(detail=True, methods=["post"])
    def check(self, request, pk=None):
        """Plan all rows, for the preview."""
        return self._do(request, imports.check_import, alone=False)

    @extend_schema(request=StartSerializer, responses=ImportSerializer, parameters=[IDEMPOTENCY_KEY])
    @action(detail=True, methods=["post"])
    def start(self, request, pk=None):
        """Import the rows. With flagged rows the answer is 400 with the code `question`: send `questions`."""
        return self._do(request, imports.start_import, **_read(StartSerializer, request))

    @extend_schema(**EMPTY)
    @action(detail=True, methods=["post"])
    def pause(self, request, pk=None):
        """Stop before the next rows; those that are written stay. `…/resume` goes on after them."""
        return self._do(request, imports.cancel_import)

    @extend_schema(**EMPTY)
    @action(detail=True, methods=["post"])
    def resume(self, request, pk=None):
        """Go on after the last row that was written."""
        return self._do(request, imports.resume_import)

    def _do(self, request, service, *, alone: bool = True, **given):
        def do(job):
            if alone and MoveFile.objects.filter(job=job).exists():
                raise ServiceError(
                    _("This file belongs to a move, which runs its files in their order."), code="in_move"
                )
            service(request.principal, job=job, now=timezone.now(), **given)

        return act(self, request, do)

    @extend_schema(parameters=[SHOW, OFFSET], responses=RowsSerializer, filters=False)
    @action(detail=True, methods=["get"], pagination_class=None)
    def rows(self, request, pk=None):
        """What becomes of the rows, or became: `changes` are [field, before, after], `texts` errors and warnings. A report keeps the first
        200 rows of each group."""
        self.refuse_unknown_parameters({"show", "offset"})
        report, show = self.get_object().report, request.query_params.get("show", "failed")
        offset = whole_number(request.query_params.get("offset", "0"), least=0, most=10**9)
        if show not in GROUPS or offset is None:
            names = ", ".join(GROUPS)
            raise exceptions.ValidationError({"show": [_("Use one of: %(names)s.") % {"names": names}]})
        rows = report.get("rows", {}).get(show, [])
        count = report.get("counts", {}).get(show, report.get(show, 0))
        more = offset + PAGE if offset + PAGE < len(rows) else None
        found = {
            "show": show,
            "count": count,
            "kept": len(rows),
            "next_offset": more,
            "rows": rows[offset : offset + PAGE],
        }
        return unless_known(request, Response(found))

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR}, filters=False)
    @action(detail=True, methods=["get"], url_path="failed-rows", url_name="failed-rows", pagination_class=None)
    def failed_rows(self, request, pk=None):
        """The rows that failed, as a file with the reasons, to be corrected and imported."""
        job = self.get_object()
        if job.failed_rows is None:
            raise exceptions.NotFound(_("This import has no failed rows."))
        name = f'attachment; filename="failed-rows-{job.pk}.csv"'
        return HttpResponse(
            read_bytes(job.failed_rows), content_type="text/csv; charset=utf-8", headers={"Content-Disposition": name}
        )

    @extend_schema(responses=UndoSerializer, filters=False)
    @action(detail=True, methods=["get"], pagination_class=None)
    def undo(self, request, pk=None):
        """Before the undo: what it would take back and leave. After: how far it is, and what it left."""
        self.refuse_unknown_parameters(set())
        return Response(_undo_of(request.principal, self.get_object()))

    @extend_schema(request=None, responses=UndoSerializer, parameters=[IDEMPOTENCY_KEY], filters=False)
    @undo.mapping.post
    def start_undo(self, request, pk=None):
        """Take the import back, but for what was changed since; go on with one that was stopped."""

        def do() -> Response:
            job = self.get_object()
            undoing.undo_import(request.principal, job=job, now=timezone.now())
            job.refresh_from_db()
            return Response(_undo_of(request.principal, job))

        return idempotently(request, do, self)

    @extend_schema(request=None, responses=UndoSerializer, filters=False)
    @action(detail=True, methods=["post"], url_path="undo/stop", url_name="undo-stop", pagination_class=None)
    def stop_undo(self, request, pk=None):
        """Stop the undo. What was taken back stays so."""
        job = self.get_object()
        undoing.stop_undo(request.principal, job=job, now=timezone.now())
        return Response(_undo_of(request.principal, job))


def _read(kind: type[StrictSerializer], request: Any) -> dict[str, Any]:
    body = kind(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def _file(principal: Any, given: dict[str, Any]) -> StoredFile:
    if upload := given.pop("file", None):
        return store_upload(principal, upload=upload)
    file = StoredFile.objects.visible_to(principal).filter(pk=given.pop("file_id"), user=principal.user_id).first()
    if file is None:
        raise exceptions.ValidationError({"file_id": [_("There is no such file of yours.")]})
    return file


def _settled(principal: Any, job: Job, given: dict[str, Any]) -> None:
    """Take over what is given; if something is missing that nobody said, keep what, in words."""
    try:
        by_program.settle(principal, job, given)
    except ServiceError as error:
        if given:
            raise
        Job.objects.filter(pk=job.pk).update(options=Job.objects.get(pk=job.pk).options | {"problem": error.message})


def _undo_of(principal: Any, job: Job) -> dict[str, Any]:
    undo = undoing.undo_of(job)
    if undo is None:
        if not undoing.may_be_undone(job):
            raise exceptions.NotFound(_("There is nothing to undo."))
        ahead = by_program.preview_undo(principal, job)
        found = {"state": "preview", "done": 0, "total": None, "is_partial": ahead["is_partial"], "error": ""}
        return found | {"counts": ahead["counts"], "left": _left(ahead["left"])}
    state = {"state": undo.state, "done": undo.done, "total": undo.total, "is_partial": False, "error": undo.error}
    return state | {"counts": undo.report["counts"], "left": _left(undo.report["left"])}


def _left(left: list[list[Any]]) -> list[dict[str, Any]]:
    return [{"model": label, "id": pk, "reason": str(why)} for label, pk, why in left]


def register(router) -> None:
    router.register("imports", ImportViewSet, basename="imports")
