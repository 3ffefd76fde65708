"""Documents by the API: what is said about them as JSON, the files as multipart uploads and downloads."""

from django.conf import settings
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, parsers, serializers
from rest_framework.decorators import action
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.response import Response

from clients.api.views import same_client
from clients.documents.fields import DOCUMENT_FIELDS
from clients.documents.lists import DocumentFilters
from clients.documents.models import Document, DocumentVersion
from clients.documents.services import (
    add_document,
    add_document_version,
    archive_document,
    restore_document,
    update_document,
)
from crm.core.api.idempotency import idempotently
from crm.core.api.parsers import JSONParser
from crm.core.api.serializers import RecordSerializer, StrictSerializer
from crm.core.api.viewsets import IDEMPOTENCY_KEY, ApiViewSet, act, unless_known
from crm.core.files.downloads import attachment
from crm.core.files.services import receive

FILE = {(200, "*/*"): OpenApiTypes.BINARY}


class DocumentSerializer(RecordSerializer):
    catalogue = DOCUMENT_FIELDS
    title = serializers.CharField(max_length=160, required=False, help_text=_lazy("Default: the file's name"))
    file = serializers.FileField(write_only=True, allow_empty_file=True, help_text=_lazy("The first version"))
    file_name = serializers.CharField(source="file.name", read_only=True)
    content_type = serializers.CharField(
        source="file.content_type", read_only=True, help_text=_lazy("As its content says, whatever its name")
    )
    size = serializers.IntegerField(source="file.size", read_only=True, help_text=_lazy("bytes"))
    sha256 = serializers.CharField(source="file.sha256", read_only=True)
    uploaded_by = serializers.IntegerField(source="file.user_id", read_only=True, allow_null=True)

    def validate(self, data):
        if self.instance is not None and "file" in data:
            raise serializers.ValidationError({"file": [_("Add a new version through …/versions.")]})
        return data


class VersionSerializer(StrictSerializer):
    number = serializers.IntegerField(read_only=True)
    file = serializers.FileField(write_only=True, allow_empty_file=True)
    remark = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    file_name = serializers.CharField(source="file.name", read_only=True)
    content_type = serializers.CharField(source="file.content_type", read_only=True)
    size = serializers.IntegerField(source="file.size", read_only=True)
    sha256 = serializers.CharField(source="file.sha256", read_only=True)
    uploaded_at = serializers.DateTimeField(source="file.created_at", read_only=True)
    uploaded_by = serializers.IntegerField(source="file.user_id", read_only=True, allow_null=True)


class AnyKind(DefaultContentNegotiation):
    """A download is what it is, whatever kind the caller asked for."""

    def select_renderer(self, request, renderers, format_suffix=None):
        try:
            return super().select_renderer(request, renderers, format_suffix)
        except exceptions.NotAcceptable:
            return renderers[0], renderers[0].media_type


class DocumentViewSet(ApiViewSet):
    """Documents of clients. POST takes a file (multipart). DELETE moves one to the trash; `…/restore` brings it back."""

    queryset = Document.objects.filter(client__archived_at=None).select_related("client", "file")
    orders = {"uploaded": "uploaded_at", "title": "search_key"}
    expands = ("client",)
    serializer_class = DocumentSerializer
    filterset_class = DocumentFilters

    def get_parsers(self):
        takes_files = self.request is not None and self.request.method == "POST"
        return [parsers.MultiPartParser(), JSONParser()] if takes_files else [JSONParser()]

    @extend_schema(parameters=[IDEMPOTENCY_KEY], request={"multipart/form-data": DocumentSerializer})
    def create(self, request, *args, **kwargs):
        """File a document with its first version. The file is refused when its content is not what its name says, when it is too
        large, or when the virus scanner finds something or does not answer."""
        data = self._checked(DocumentSerializer)
        received = receive(data.pop("file"), most=settings.DOCUMENT_MAX_BYTES)

        def make() -> Response:
            row = add_document(request.principal, received=received, now=timezone.now(), **data)
            return self.answer(row, status=201)

        return idempotently(request, make, self)

    def _checked(self, kind):
        body = kind(data=self.request.data, context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        return dict(body.validated_data)

    def update_row(self, row, data, seen_version):
        same_client(row, data)
        return update_document(self.request.principal, document=row, seen_version=seen_version, **data)

    def remove_row(self, row):
        if not row.is_archived:
            archive_document(self.request.principal, document=row, now=timezone.now())

    @extend_schema(request=None, responses=DocumentSerializer)
    @action(detail=True, methods=["post"])
    def restore(self, request, pk=None):
        return act(self, request, lambda row: restore_document(request.principal, document=row))

    @extend_schema(responses=FILE, filters=False)
    @action(detail=True, methods=["get"], content_negotiation_class=AnyKind)
    def file(self, request, pk=None):
        """The latest version, as a download."""
        self.refuse_unknown_parameters(set())
        return attachment(self.get_object().file)

    @extend_schema(responses=VersionSerializer(many=True), filters=False)
    @action(detail=True, methods=["get"], pagination_class=None)
    def versions(self, request, pk=None):
        """Every version, the latest first."""
        self.refuse_unknown_parameters(set())
        rows = self.get_object().versions.select_related("file")
        return unless_known(request, Response(VersionSerializer(rows, many=True).data))

    @extend_schema(
        parameters=[IDEMPOTENCY_KEY],
        request={"multipart/form-data": VersionSerializer},
        responses={201: VersionSerializer},
        filters=False,
    )
    @versions.mapping.post
    def add_version(self, request, pk=None):
        """Add a version; it is the document from then on, and the earlier ones stay."""
        row, data = self.get_object(), self._checked(VersionSerializer)
        received = receive(data.pop("file"), most=settings.DOCUMENT_MAX_BYTES)

        def make() -> Response:
            version = add_document_version(
                request.principal, document=row, received=received, now=timezone.now(), **data
            )
            return Response(VersionSerializer(version).data, status=201)

        return idempotently(request, make, self)

    @extend_schema(responses=FILE, filters=False)
    @action(
        detail=True,
        methods=["get"],
        url_path="versions/(?P<number>[0-9]{1,9})/file",
        url_name="version-file",
        content_negotiation_class=AnyKind,
    )
    def version_file(self, request, pk=None, number=""):
        """One version, as a download."""
        self.refuse_unknown_parameters(set())
        rows = DocumentVersion.objects.filter(document=self.get_object()).select_related("file")
        return attachment(get_object_or_404(rows, number=int(number)).file)
