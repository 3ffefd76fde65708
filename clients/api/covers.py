"""Absence and cover by the API."""

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action

from clients.cover import services
from clients.cover.lists import CoverFilters
from clients.cover.models import Cover
from crm.core.api.serializers import RelatedField, StrictModelSerializer
from crm.core.api.viewsets import CreateByService, ReadApiViewSet, UpdateByService, act
from crm.core.base.errors import ServiceError
from crm.core.users.models import User


class CoverSerializer(StrictModelSerializer):
    absent = RelatedField(queryset=User.objects.all(), required=False, help_text=_lazy("Default: yourself"))
    covering = RelatedField(queryset=User.objects.all())
    note = serializers.CharField(max_length=300, required=False, allow_blank=True)

    class Meta:
        model = Cover
        fields = (
            *("id", "absent", "covering", "start_date", "end_date", "note"),
            *("arranged_by", "ended_at", "ended_by", "version", "created_at", "updated_at"),
        )
        read_only_fields = ("arranged_by", "ended_at", "ended_by", "version", "created_at", "updated_at")


class CoverViewSet(CreateByService, UpdateByService, ReadApiViewSet):
    """Who covers for whom: from `start_date` until `end_date` begins, in the firm's time zone. `…/end` ends one early, `…/resume` brings
    it back. If another colleague takes over one that runs, the answer is their cover, with an id of its own."""

    queryset = Cover.objects.all()
    orders = {"start_date": "start_date"}
    serializer_class = CoverSerializer
    filterset_class = CoverFilters

    def create_row(self, data):
        absent = data.pop("absent", self.request.user)
        return services.arrange_cover(self.request.principal, absent=absent, now=timezone.now(), **data)

    def update_row(self, row, data, seen_version):
        if data.pop("absent", row.absent) != row.absent:
            raise ServiceError(_("Who is away stays. Arrange another cover."), field="absent")
        given = {"cover": row, "seen_version": seen_version, "now": timezone.now()}
        return services.update_cover(self.request.principal, **given, **data)

    @extend_schema(request=None, responses=CoverSerializer)
    @action(detail=True, methods=["post"])
    def end(self, request, pk=None):
        return act(self, request, lambda row: services.end_cover(request.principal, cover=row, now=timezone.now()))

    @extend_schema(request=None, responses=CoverSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request, pk=None):
        return act(self, request, lambda row: services.resume_cover(request.principal, cover=row, now=timezone.now()))
