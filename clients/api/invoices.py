"""Invoices and their payments in the API."""

from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from clients.api.external import ExternalIdsMixin, Upserts
from clients.api.views import same_client
from clients.invoices.choices import InvoiceStatus
from clients.invoices.fields import INVOICE_FIELDS
from clients.invoices.lists import InvoiceFilters
from clients.invoices.models import Invoice, Payment
from clients.invoices.services import payments, records
from crm.core.api.idempotency import idempotently
from crm.core.api.serializers import RecordSerializer, StrictSerializer
from crm.core.api.viewsets import IDEMPOTENCY_KEY, ApiViewSet, act, require_match, unless_known
from crm.core.firm.queries import firm_today


class InvoiceSerializer(ExternalIdsMixin, RecordSerializer):
    catalogue = INVOICE_FIELDS
    external_kind = "invoice"
    currency = serializers.CharField(max_length=3, required=False, help_text=_lazy("Default: the firm's"))
    due_date = serializers.DateField(required=False, help_text=_lazy("Default: 30 days after the invoice date"))
    tax = serializers.DecimalField(max_digits=14, decimal_places=2, required=False)
    gross = serializers.DecimalField(max_digits=14, decimal_places=2, read_only=True)
    net_firm = serializers.DecimalField(max_digits=16, decimal_places=2, read_only=True, allow_null=True)
    gross_firm = serializers.DecimalField(max_digits=16, decimal_places=2, read_only=True, allow_null=True)
    open_firm = serializers.DecimalField(max_digits=16, decimal_places=2, read_only=True, allow_null=True)
    status = serializers.SerializerMethodField(help_text=_lazy("As of today, in the firm's time zone"))

    def get_status(self, row) -> InvoiceStatus:
        return row.status_on(firm_today(timezone.now())).value


class PaymentSerializer(StrictSerializer):
    """In the invoice's currency; negative for a credit note."""

    id = serializers.IntegerField(read_only=True)
    paid_date = serializers.DateField()
    amount = serializers.DecimalField(max_digits=14, decimal_places=2)
    note = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    created_at = serializers.DateTimeField(read_only=True)


class VoidSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class InvoiceViewSet(Upserts, ApiViewSet):
    """What was billed to clients. `…/payments` are what was paid of one, `…/void` and `…/reinstate` say whether it counts. DELETE moves one
    to the trash; `…/restore` brings it back."""

    queryset = Invoice.objects.filter(client__archived_at=None)
    orders = {"invoice_date": "invoice_date", "due_date": "due_date"}
    expands = ("client", "engagement")
    serializer_class = InvoiceSerializer
    filterset_class = InvoiceFilters
    external_kind = "invoice"

    def create_row(self, data):
        return records.create_invoice(self.request.principal, **data)

    def update_row(self, row, data, seen_version):
        same_client(row, data)
        return records.update_invoice(self.request.principal, invoice=row, seen_version=seen_version, **data)

    def remove_row(self, row):
        if not row.is_archived:
            records.archive_invoice(self.request.principal, invoice=row, now=timezone.now())

    @extend_schema(request=None, responses=InvoiceSerializer)
    @action(detail=True, methods=["post"])
    def restore(self, request, pk=None):
        return act(self, request, lambda row: records.restore_invoice(request.principal, invoice=row))

    @extend_schema(request=VoidSerializer, responses=InvoiceSerializer)
    @action(detail=True, methods=["post"])
    def void(self, request, pk=None):
        """Taken back: it keeps its number and is in no sum. Refused where something was paid."""

        def do(row):
            seen, body = require_match(request, row), VoidSerializer(data=request.data)
            body.is_valid(raise_exception=True)
            return records.void_invoice(
                request.principal, invoice=row, seen_version=seen, now=timezone.now(), **body.validated_data
            )

        return act(self, request, do)

    @extend_schema(request=None, responses=InvoiceSerializer)
    @action(detail=True, methods=["post"])
    def reinstate(self, request, pk=None):
        """It counts again."""

        def do(row):
            return records.reinstate_invoice(request.principal, invoice=row, seen_version=require_match(request, row))

        return act(self, request, do)

    @extend_schema(responses=PaymentSerializer(many=True), filters=False)
    @action(detail=True, methods=["get"], pagination_class=None)
    def payments(self, request, pk=None):
        """Every payment, the oldest first."""
        self.refuse_unknown_parameters(set())
        rows = self.get_object().payments.all()
        return unless_known(request, Response(PaymentSerializer(rows, many=True).data))

    @extend_schema(
        parameters=[IDEMPOTENCY_KEY], request=PaymentSerializer, responses={201: PaymentSerializer}, filters=False
    )
    @payments.mapping.post
    def add_payment(self, request, pk=None):
        """Record a payment: at most what is open."""
        row = self.get_object()
        body = PaymentSerializer(data=request.data)
        body.is_valid(raise_exception=True)

        def make() -> Response:
            today, seen = firm_today(timezone.now()), require_match(request, row)
            made = payments.record_payment(
                request.principal, invoice=row, today=today, seen_version=seen, **body.validated_data
            )
            return Response(PaymentSerializer(made).data, status=201)

        return idempotently(request, make, self)

    @extend_schema(
        parameters=[OpenApiParameter("payment_id", OpenApiTypes.INT, OpenApiParameter.PATH)],
        responses={204: None},
        filters=False,
    )
    @action(
        detail=True,
        methods=["delete"],
        url_path="payments/(?P<payment_id>[0-9]{1,18})",
        url_name="payment",
        pagination_class=None,
    )
    def payment(self, request, pk=None, payment_id=""):
        """Take back a payment that was recorded by mistake."""
        rows = Payment.objects.select_related("invoice__client").filter(invoice=self.get_object())
        payments.remove_payment(request.principal, payment=get_object_or_404(rows, pk=int(payment_id)))
        return Response(status=204)
