"""Referrals by the API."""

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action

from clients.referrals import services
from clients.referrals.fields import REFERRAL_FIELDS
from clients.referrals.lists import ReferralFilters
from clients.referrals.models import Referral
from crm.core.api.serializers import RecordSerializer
from crm.core.api.viewsets import ApiViewSet, act
from crm.core.base.errors import ServiceError


class ReferralSerializer(RecordSerializer):
    catalogue = REFERRAL_FIELDS


class ReferralViewSet(ApiViewSet):
    """Who referred which client: `by_client`, `by_contact` or `by_source`. DELETE archives one; `…/restore` restores it."""

    queryset = Referral.objects.filter(client__archived_at=None)
    expands = ("client", "by_client", "by_contact")
    serializer_class = ReferralSerializer
    filterset_class = ReferralFilters

    def create_row(self, data):
        return services.add_referral(self.request.principal, now=timezone.now(), **data)

    def update_row(self, row, data, seen_version):
        if data.pop("client", row.client) != row.client:
            raise ServiceError(_("A row cannot move to another client."), field="client")
        given = {"referral": row, "now": timezone.now(), "seen_version": seen_version}
        return services.update_referral(self.request.principal, **given, **data)

    def remove_row(self, row):
        if not row.is_archived:
            services.archive_referral(self.request.principal, referral=row, now=timezone.now())

    @extend_schema(request=None, responses=ReferralSerializer)
    @action(detail=True, methods=["post"])
    def restore(self, request, pk=None):
        return act(self, request, lambda row: services.restore_referral(request.principal, referral=row))
