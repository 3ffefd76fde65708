"""Moves by the API: several files of an export, imported one after the other."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _lazy
from drf_spectacular.utils import extend_schema
from rest_framework import parsers, serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from crm.core.api.idempotency import idempotently
from crm.core.api.parsers import JSONParser
from crm.core.api.serializers import StrictSerializer
from crm.core.api.viewsets import IDEMPOTENCY_KEY, ReadApiViewSet, act
from crm.core.base.permissions import require
from crm.core.base.zones import validate_zone
from crm.core.files.services import store_upload
from crm.core.importing import moves
from crm.core.importing.kinds import CONFIRMED, LEFT_OUT
from crm.core.importing.models import ImportMove
from crm.core.importing.permissions import may_import


class FilesSerializer(StrictSerializer):
    file = serializers.ListField(
        child=serializers.FileField(allow_empty_file=True), min_length=1, max_length=moves.MOST_FILES
    )


class MoveStartSerializer(StrictSerializer):
    questions = serializers.ChoiceField(choices=[CONFIRMED, LEFT_OUT], required=False, default=LEFT_OUT)


class MoveZoneSerializer(StrictSerializer):
    system = serializers.CharField(allow_blank=True)
    zone = serializers.CharField(validators=[validate_zone])


class MoveWordsSerializer(StrictSerializer):
    values = serializers.DictField(
        child=serializers.DictField(child=serializers.CharField(allow_blank=True)),
        help_text=_lazy("What words of the files mean here: {vocabulary: {word: meaning}}; “” leaves a word out"),
    )


class MoveFileSerializer(serializers.Serializer):
    """A file, or a table of one. Its columns and rows are those of the import."""

    id = serializers.IntegerField(source="job.pk", help_text=_lazy("Of the import"))
    file = serializers.SerializerMethodField(help_text=_lazy("Its name; the title of the import once it was swept"))
    kind = serializers.CharField(source="kind.key")
    state = serializers.CharField(source="job.state")
    columns = serializers.IntegerField()
    mapped = serializers.IntegerField()
    left_out = serializers.IntegerField()
    needs = serializers.CharField()
    counts = serializers.DictField(child=serializers.IntegerField())
    total = serializers.IntegerField(source="job.total")
    done = serializers.IntegerField(source="job.done")
    error = serializers.CharField(source="job.error")

    def get_file(self, part) -> str:
        return part.job.file.name if part.job.file else part.job.title


class ImportMoveSerializer(serializers.ModelSerializer):
    """`files` in the order in which they run."""

    files = serializers.SerializerMethodField()

    class Meta:
        model = ImportMove
        fields = ("id", "state", "questions", "created_at", "ended_at", "files")
        read_only_fields = fields

    def get_files(self, move) -> list[dict[str, Any]]:
        return MoveFileSerializer(moves.parts_of(move), many=True).data  # type: ignore[return-value]


class ImportMoveViewSet(ReadApiViewSet):
    """Your moves: all files of an export at once, in any order. Each table of each is an import of its own, which `imports` shows and
    changes; the move checks and starts them, one after the other."""

    queryset = ImportMove.objects.select_related("user")
    serializer_class = ImportMoveSerializer

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        require(may_import(request.principal))

    def get_parsers(self):
        return [parsers.MultiPartParser(), JSONParser()]

    @extend_schema(
        parameters=[IDEMPOTENCY_KEY],
        request={"multipart/form-data": FilesSerializer},
        responses={201: ImportMoveSerializer},
    )
    def create(self, request):
        """Upload the files, each as `file`."""

        def make() -> Response:
            return self.answer(moves.create_move(request.principal, files=self._files(request)), status=201)

        return idempotently(request, make, self)

    @extend_schema(
        request={"multipart/form-data": FilesSerializer}, responses=ImportMoveSerializer, parameters=[IDEMPOTENCY_KEY]
    )
    @action(detail=True, methods=["post"], url_path="files")
    def add_files(self, request, pk=None):
        """More files of the same export."""
        return self._do(request, lambda move: moves.add_files(request.principal, move=move, files=self._files(request)))

    @extend_schema(request=MoveZoneSerializer, responses=ImportMoveSerializer)
    @action(detail=True, methods=["post"])
    def zone(self, request, pk=None):
        """The zone of a system's times that name none."""
        return self._told(request, moves.set_zone, MoveZoneSerializer)

    @extend_schema(request=MoveWordsSerializer, responses=ImportMoveSerializer)
    @action(detail=True, methods=["post"])
    def words(self, request, pk=None):
        """What words of the files mean here; the files that have them are checked again."""
        return self._told(request, moves.set_words, MoveWordsSerializer, new={}, now=timezone.now())

    @extend_schema(request=None, responses=ImportMoveSerializer, parameters=[IDEMPOTENCY_KEY])
    @action(detail=True, methods=["post"])
    def check(self, request, pk=None):
        """Plan the rows of all files that need no answer."""
        return self._do(request, lambda move: moves.check_move(request.principal, move=move, now=timezone.now()))

    @extend_schema(request=MoveStartSerializer, responses=ImportMoveSerializer, parameters=[IDEMPOTENCY_KEY])
    @action(detail=True, methods=["post"])
    def start(self, request, pk=None):
        """Import all files, or go on with a move that was paused."""
        return self._told(request, moves.start_move, MoveStartSerializer, now=timezone.now())

    @extend_schema(request=None, responses=ImportMoveSerializer, parameters=[IDEMPOTENCY_KEY])
    @action(detail=True, methods=["post"])
    def pause(self, request, pk=None):
        """Stop before the next rows; `…/start` goes on after them."""
        return self._do(request, lambda move: moves.pause_move(request.principal, move=move, now=timezone.now()))

    def _told(self, request, service, kind, **also: Any) -> Response:
        """Do it with what the body says, once the move is found."""

        def do(move):
            body = kind(data=request.data)
            body.is_valid(raise_exception=True)
            return service(request.principal, move=move, **body.validated_data, **also)

        return self._do(request, do)

    def _files(self, request) -> Any:
        data = request.data
        if hasattr(data, "getlist"):
            data = {name: data.getlist(name) for name in data}
        body = FilesSerializer(data=data)
        body.is_valid(raise_exception=True)
        return [store_upload(request.principal, upload=upload) for upload in body.validated_data["file"]]

    def _do(self, request, do) -> Response:
        return act(self, request, lambda move: do(move) and None)


def register(router) -> None:
    router.register("import-moves", ImportMoveViewSet, basename="import-moves")
