from django.db.models import Exists, OuterRef, Prefetch
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action

from clients.api.serializers import (
    ClientSerializer,
    ContactSerializer,
    ContractSerializer,
    PriceSerializer,
    RevenueSerializer,
    StatusSerializer,
)
from clients.contacts.models import Affiliation, Contact
from clients.contacts.services import affiliate, archive_contact, create_contact, update_contact
from clients.listing.filters import ClientFilters, ContactFilters
from clients.records.external import find_external, link_external
from clients.records.models import Client, ExternalId
from clients.records.queries import add_next_steps
from clients.records.services.clients import archive_client, create_client, restore_client, update_client
from clients.records.services.statuses import change_status
from clients.revenue.lists import ContractFilters, RevenueFilters
from clients.revenue.models import Contract, RevenueLine
from clients.revenue.services.contracts import change_price, create_contract, update_contract
from clients.revenue.services.lines import add_revenue_line, delete_revenue_line, update_revenue_line
from crm.core.api.idempotency import idempotently
from crm.core.api.viewsets import IDEMPOTENCY_KEY, ApiViewSet, CreateByService, ReadApiViewSet, UpdateByService, act
from crm.core.base.errors import ServiceError
from crm.core.firm.queries import firm_today


class ExternalIdsMixin:
    """A POST with an external id that is known answers the row there is (200) and makes no duplicate."""

    external_kind = ""

    @extend_schema(parameters=[IDEMPOTENCY_KEY])
    def create(self, request, *args, **kwargs):
        def make():
            serializer = self.get_serializer(data=request.data)
            serializer.is_valid(raise_exception=True)
            data = dict(serializer.validated_data)
            pairs = [(pair["system"], pair["value"]) for pair in data.pop("external_ids", [])]
            found = self._existing(pairs)
            if found is not None:
                return self.answer(found)
            return self.answer(self.create_row(data | {"external_ids": pairs}), status=201)

        return idempotently(request, make, self)

    def _existing(self, pairs):
        for system, value in pairs:
            pk = find_external(system=system, kind=self.external_kind, value=value)
            if pk is None:
                continue
            row = self.get_queryset().filter(pk=pk).first()
            if row is None:
                raise ServiceError(
                    _("This external id belongs to a record you cannot see."),
                    field="external_ids",
                    code="external_id_taken",
                )
            return row
        return None

    def link(self, row, pairs):
        for system, value in pairs:
            link_external(system=system, kind=self.external_kind, value=value, object_id=row.pk)
        return row

    def link_more(self, row, data):
        """External ids in a PATCH are added; the others stay."""
        return self.link(row, [(pair["system"], pair["value"]) for pair in data.pop("external_ids", [])])

    def paginate_queryset(self, queryset):
        rows = super().paginate_queryset(queryset)
        known: dict[int, list] = {row.pk: [] for row in rows}
        for external in ExternalId.objects.filter(kind=self.external_kind, object_id__in=known).order_by("pk"):
            known[external.object_id].append({"system": external.system, "value": external.value})
        for row in rows:
            row.external = known[row.pk]
        return rows


class ClientViewSet(ExternalIdsMixin, ApiViewSet):
    """Clients. DELETE moves one to the trash; `…/restore` brings it back."""

    queryset = Client.objects.select_related("facts").prefetch_related("tags")
    serializer_class = ClientSerializer
    filterset_class = ClientFilters
    external_kind = "client"

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset()
        parents = Client.objects.visible_to(self.request.principal).filter(pk=OuterRef("parent_id"))
        return super().get_queryset().annotate(is_parent_seen=Exists(parents))

    def paginate_queryset(self, queryset):
        rows = super().paginate_queryset(queryset)
        add_next_steps(self.request.principal, rows)
        return rows

    def create_row(self, data):
        return create_client(self.request.principal, today=firm_today(timezone.now()), **data)

    def update_row(self, row, data, seen_version):
        _require_kept(row)
        self.link_more(row, data)
        return update_client(self.request.principal, client=row, seen_version=seen_version, **data)

    def remove_row(self, row):
        if not row.is_archived:
            archive_client(self.request.principal, client=row, now=timezone.now())

    @extend_schema(request=None, responses=ClientSerializer)
    @action(detail=True, methods=["post"])
    def restore(self, request, pk=None):
        return act(self, request, lambda row: restore_client(request.principal, client=row))

    @extend_schema(request=StatusSerializer, responses=ClientSerializer)
    @action(detail=True, methods=["post"])
    def status(self, request, pk=None):
        """Change the status from a date on; the date may lie in the past or in the future."""

        def change(row):
            _require_kept(row)
            body = StatusSerializer(data=request.data)
            body.is_valid(raise_exception=True)
            change_status(request.principal, client=row, today=firm_today(timezone.now()), **body.validated_data)

        return act(self, request, change)


class ContactViewSet(ExternalIdsMixin, ApiViewSet):
    """People. `clients` are their places; those given are set, the others stay. DELETE moves a person to the trash."""

    queryset = Contact.objects.all()
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
        pairs, places = data.pop("external_ids"), data.pop("places", [])
        contact = create_contact(self.request.principal, **_addresses(data))
        return self._place(self.link(contact, pairs), places)

    def update_row(self, row, data, seen_version):
        places = data.pop("places", [])
        self.link_more(row, data)
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
    """Nested rows as the (label, text) pairs that services take."""
    for name, text in (("emails", "address"), ("phones", "number")):
        if name in data:
            data[name] = [(row["label"], row[text]) for row in data[name]]
    return data


class RevenueViewSet(ExternalIdsMixin, ApiViewSet):
    """Revenue lines, net of tax; a refund is negative. DELETE takes a wrong one out, history keeps it."""

    queryset = RevenueLine.objects.filter(client__archived_at=None)
    serializer_class = RevenueSerializer
    filterset_class = RevenueFilters
    external_kind = "revenue"

    def create_row(self, data):
        pairs = data.pop("external_ids")
        return self.link(add_revenue_line(self.request.principal, today=firm_today(timezone.now()), **data), pairs)

    def update_row(self, row, data, seen_version):
        _same_client(row, data)
        self.link_more(row, data)
        today = firm_today(timezone.now())
        return update_revenue_line(self.request.principal, line=row, seen_version=seen_version, today=today, **data)

    def remove_row(self, row):
        delete_revenue_line(self.request.principal, line=row, today=firm_today(timezone.now()))


class ContractViewSet(ExternalIdsMixin, CreateByService, UpdateByService, ReadApiViewSet):
    """Contracts. A new price from a day on goes through `…/price`, which ends the row and starts another."""

    queryset = Contract.objects.filter(client__archived_at=None)
    serializer_class = ContractSerializer
    filterset_class = ContractFilters
    external_kind = "contract"

    def create_row(self, data):
        pairs = data.pop("external_ids")
        return self.link(create_contract(self.request.principal, **data), pairs)

    def update_row(self, row, data, seen_version):
        _same_client(row, data)
        self.link_more(row, data)
        return update_contract(self.request.principal, contract=row, seen_version=seen_version, **data)

    @extend_schema(request=PriceSerializer, responses=ContractSerializer)
    @action(detail=True, methods=["post"])
    def price(self, request, pk=None):
        def change(row):
            body = PriceSerializer(data=request.data)
            body.is_valid(raise_exception=True)
            return change_price(request.principal, contract=row, **body.validated_data)

        return act(self, request, change)


def _require_kept(client):
    if client.archived_at is not None:
        raise ServiceError(_("This client is in the trash. Restore it first."), code="archived")


def _same_client(row, data):
    if data.pop("client", row.client) != row.client:
        raise ServiceError(_("A row stays with its client."), field="client")
