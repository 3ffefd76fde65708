from django.db.models import Prefetch
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.response import Response

from clients.api.external import Upserts
from clients.api.filters import ServiceApiFilter, TagApiFilter
from clients.api.merging import ClientMerges, ContactMerges
from clients.api.serializers import (
    ClientSerializer,
    ContactSerializer,
    ContractSerializer,
    PriceSerializer,
    RevenueSerializer,
    ServiceSerializer,
    StatusPeriodSerializer,
    StatusSerializer,
    TagSerializer,
)
from clients.catalogue.models import Service, Tag
from clients.contacts.models import Affiliation, Contact
from clients.contacts.services import affiliate, archive_contact, create_contact, update_contact
from clients.listing.filters import ClientFilters, ContactFilters
from clients.records.models import Client
from clients.records.queries import add_next_steps
from clients.records.services.clients import archive_client, create_client, restore_client, update_client
from clients.records.services.statuses import change_status
from clients.revenue.filters import ContractFilters, RevenueFilters
from clients.revenue.models import Contract, RevenueLine
from clients.revenue.services.contracts import (
    archive_contract,
    change_price,
    create_contract,
    restore_contract,
    update_contract,
)
from clients.revenue.services.lines import add_revenue_line, delete_revenue_line, update_revenue_line
from crm.core.api.viewsets import ApiViewSet, FirmApiViewSet, act, unless_known
from crm.core.base.errors import ServiceError
from crm.core.firm.queries import firm_today


class ClientViewSet(ClientMerges, Upserts, ApiViewSet):
    """Clients. DELETE archives one; `…/restore` restores it."""

    queryset = Client.objects.select_related("facts").prefetch_related("tags")
    orders = {"name": "name_key"}
    expands = ("owner", "team", "parent")
    serializer_class = ClientSerializer
    filterset_class = ClientFilters
    external_kind = "client"

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset()
        return super().get_queryset().with_parent_seen(self.request.principal)

    def with_more(self, rows):
        rows = super().with_more(rows)
        add_next_steps(self.request.principal, rows)
        return rows

    def create_row(self, data):
        return create_client(self.request.principal, today=firm_today(timezone.now()), **data)

    def update_row(self, row, data, seen_version):
        _require_kept(row)
        return update_client(self.request.principal, client=row, seen_version=seen_version, **data)

    def remove_row(self, row):
        if not row.is_archived:
            archive_client(self.request.principal, client=row, now=timezone.now())

    @extend_schema(responses=StatusPeriodSerializer(many=True), filters=False)
    @action(detail=True, methods=["get"], url_path="status-history", pagination_class=None)
    def status_history(self, request, pk=None):
        """Every period of the client's status, newest first, including planned ones."""
        self.refuse_unknown_parameters(set())
        periods = self.get_object().status_periods.order_by("-start_date")
        return unless_known(request, Response(StatusPeriodSerializer(periods, many=True).data))

    @extend_schema(request=None, responses=ClientSerializer)
    @action(detail=True, methods=["post"])
    def restore(self, request, pk=None):
        return act(self, request, lambda row: restore_client(request.principal, client=row))

    @extend_schema(request=StatusSerializer, responses=ClientSerializer)
    @action(detail=True, methods=["post"])
    def status(self, request, pk=None):
        """Change the status from a date on; the date may be in the past or in the future."""

        def change(row):
            _require_kept(row)
            body = StatusSerializer(data=request.data)
            body.is_valid(raise_exception=True)
            change_status(request.principal, client=row, today=firm_today(timezone.now()), **body.validated_data)

        return act(self, request, change)


class ContactViewSet(ContactMerges, Upserts, ApiViewSet):
    """Contacts. `clients` are their roles at clients; given ones are set, the others are kept. DELETE archives a
    contact.
    """

    queryset = Contact.objects.all()
    orders = {"name": "name_key"}
    serializer_class = ContactSerializer
    filterset_class = ContactFilters
    external_kind = "contact"

    def get_queryset(self):
        places = (
            Affiliation.objects.visible_to(self.request.principal).select_related("held")
            if not getattr(self, "swagger_fake_view", False)
            else Affiliation.objects.none()
        )
        return (
            super()
            .get_queryset()
            .prefetch_related("emails", "phones", Prefetch("affiliations", places, to_attr="places"))
        )

    def create_row(self, data):
        places = data.pop("places", [])
        return self._place(create_contact(self.request.principal, **_addresses(data)), places)

    def update_row(self, row, data, seen_version):
        places = data.pop("places", [])
        contact = update_contact(self.request.principal, contact=row, seen_version=seen_version, **_addresses(data))
        return self._place(contact, places)

    def _place(self, contact, places):
        for place in places:
            fields = dict(place)
            affiliate(self.request.principal, client=fields.pop("client"), contact=contact, **fields)
        return contact

    def remove_row(self, row):
        archive_contact(self.request.principal, contact=row, now=timezone.now())


def _addresses(data):
    """Nested rows as (label, text) pairs for the services."""
    for name, text in (("emails", "address"), ("phones", "number")):
        if name in data:
            data[name] = [(row["label"], row[text]) for row in data[name]]
    return data


class RevenueViewSet(Upserts, ApiViewSet):
    """Revenue lines, net of tax; a refund is negative. DELETE removes a wrong one; the history keeps it."""

    queryset = RevenueLine.objects.filter(client__archived_at=None)
    orders = {"date": "date", "amount": "amount_firm"}
    expands = ("client", "service")
    serializer_class = RevenueSerializer
    filterset_class = RevenueFilters
    external_kind = "revenue"

    def create_row(self, data):
        return add_revenue_line(self.request.principal, today=firm_today(timezone.now()), **data)

    def update_row(self, row, data, seen_version):
        same_client(row, data)
        today = firm_today(timezone.now())
        return update_revenue_line(self.request.principal, line=row, seen_version=seen_version, today=today, **data)

    def remove_row(self, row):
        delete_revenue_line(self.request.principal, line=row, today=firm_today(timezone.now()))


class ContractViewSet(Upserts, ApiViewSet):
    """Contracts. For a new price use `…/price`, which ends the contract and starts another. DELETE archives one;
    `…/restore` restores it.
    """

    queryset = Contract.objects.filter(client__archived_at=None)
    orders = {"start": "start_date", "value": "value"}
    expands = ("client", "service")
    serializer_class = ContractSerializer
    filterset_class = ContractFilters
    external_kind = "contract"

    def create_row(self, data):
        return create_contract(self.request.principal, **data)

    def update_row(self, row, data, seen_version):
        same_client(row, data)
        return update_contract(self.request.principal, contract=row, seen_version=seen_version, **data)

    def remove_row(self, row):
        if not row.is_archived:
            archive_contract(self.request.principal, contract=row, now=timezone.now())

    @extend_schema(request=None, responses=ContractSerializer)
    @action(detail=True, methods=["post"])
    def restore(self, request, pk=None):
        return act(self, request, lambda row: restore_contract(request.principal, contract=row))

    @extend_schema(request=PriceSerializer, responses=ContractSerializer)
    @action(detail=True, methods=["post"])
    def price(self, request, pk=None):
        def change(row):
            body = PriceSerializer(data=request.data)
            body.is_valid(raise_exception=True)
            return change_price(request.principal, contract=row, **body.validated_data)

        return act(self, request, change)


class TagViewSet(FirmApiViewSet):
    """The firm's tags. They belong to no client, so everyone signed in can read them."""

    queryset = Tag.objects.all()
    serializer_class = TagSerializer
    filterset_class = TagApiFilter
    orders = {"name": "name"}


class ServiceViewSet(FirmApiViewSet):
    """What the firm sells; contracts and revenue refer to it. Everyone signed in can read services."""

    queryset = Service.objects.all()
    serializer_class = ServiceSerializer
    filterset_class = ServiceApiFilter
    orders = {"name": "name"}


def _require_kept(client):
    if client.archived_at is not None:
        raise ServiceError(_("This client is archived. Restore it first."), code="archived")


def same_client(row, data):
    if data.pop("client", row.client) != row.client:
        raise ServiceError(_("A row cannot move to another client."), field="client")
