"""Progress emails over the API: read, change the content, approve, skip."""

from django.utils import timezone
from rest_framework import serializers
from rest_framework.decorators import action

from crm.core.api.serializers import StrictModelSerializer, StrictSerializer
from crm.core.api.viewsets import ReadApiViewSet, UpdateByService, act, require_match
from interactions.progress.forms import readable
from interactions.progress.lists import ProgressFilters
from interactions.progress.models import ProgressEmail
from interactions.progress.services import drafts


class SectionSerializer(StrictSerializer):
    key = serializers.CharField(max_length=40)
    title = serializers.CharField(max_length=120)
    items = serializers.ListField(child=serializers.CharField(max_length=2000, allow_blank=True), max_length=100)


class ContentSerializer(StrictSerializer):
    """{} before the draft is made, and when its shape is broken (`problem` then says so)."""

    may_be_empty = True
    summary = serializers.CharField(allow_blank=True, max_length=4000)
    sections = SectionSerializer(many=True)
    closing = serializers.CharField(allow_blank=True, max_length=2000)

    def to_representation(self, instance):
        content = readable(instance)
        return super().to_representation({"summary": "", "sections": [], "closing": ""} | content) if content else {}


class ProgressEmailSerializer(StrictModelSerializer):
    content = ContentSerializer(required=False, help_text="Empty until the draft is made, the day before it leaves.")

    class Meta:
        model = ProgressEmail
        fields = [
            "id",
            "client",
            "week",
            "state",
            "subject",
            "content",
            "is_empty",
            "is_review_needed",
            "covers_from",
            "covers_to",
            "draft_at",
            "send_at",
            "deadline_at",
            "expires_at",
            "time_zone",
            "approved_by",
            "approved_at",
            "sent_at",
            "skip_reason",
            "moved_reason",
            "problem",
            "version",
            "created_at",
            "updated_at",
        ]
        read_only_fields = [name for name in fields if name not in ("subject", "content")]


class SkipSerializer(StrictSerializer):
    reason = serializers.CharField(required=False, allow_blank=True, max_length=200)


class NothingSerializer(StrictSerializer):
    pass


class Meta:
    model = ProgressEmail
    fields = ["client", "state", "week"]


class ProgressEmailViewSet(UpdateByService, ReadApiViewSet):
    queryset = (
        ProgressEmail.objects.filter(client__archived_at__isnull=True)
        .defer("sent_text", "sent_html")
        .select_related("client")
    )
    serializer_class = ProgressEmailSerializer
    filterset_class = ProgressFilters

    def update_row(self, row, data, seen_version):
        subject, content = data.get("subject", row.subject), data.get("content", row.content)
        return drafts.edit_progress(
            self.request.principal,
            email=row,
            subject=subject,
            content=content,
            seen_version=seen_version,
            now=timezone.now(),
        )

    @action(detail=True, methods=["post"], serializer_class=NothingSerializer)
    def approve(self, request, pk=None):
        """Approve the version named by If-Match, or the current one."""

        def do(row):
            seen = require_match(request, row)
            return drafts.approve_progress(request.principal, email=row, seen_version=seen, now=timezone.now())

        return self._answered(act, request, do)

    @action(detail=True, methods=["post"], serializer_class=SkipSerializer)
    def skip(self, request, pk=None):
        """Send none this week; the next one covers this week too."""
        given = SkipSerializer(data=request.data)
        given.is_valid(raise_exception=True)

        def do(row):
            return drafts.skip_progress(
                request.principal, email=row, reason=given.validated_data.get("reason", ""), now=timezone.now()
            )

        return self._answered(act, request, do)

    def _answered(self, run, request, do):
        """Respond with the progress email, not with the fields of the request."""
        self.serializer_class = ProgressEmailSerializer
        return run(self, request, do)
