"""The demo firm's own fields of clients: what is entered, what is computed of it, and a segment of both."""

from clients.records.models import Client
from clients.records.services.clients import update_client
from clients.segments.models import Segment
from clients.segments.services import create_segment
from crm.core.base.principals import acting
from crm.core.fields.custom.models import CustomField, FieldSection
from crm.core.fields.custom.services import begin_change, create_field, create_section
from crm.core.fields.custom.sql import set_indexes

SECTION, SEGMENT = "Service", "Premium, seldom spoken to"
KEYS = ("employees", "service_level", "revenue_per_employee", "conversations_90_days")
LEVELS = ("premium", "standard", "basic")


def make(stage) -> None:
    admin = acting(stage.users["ines"])
    section = create_section(admin, record="client", name=SECTION)

    def add(label: str, kind: str, **settings):
        return create_field(admin, record="client", label=label, kind=kind, section=section, **settings)

    add("Employees", "number", hint="At the client, all sites")
    add("Service level", "choice", options=["Premium", "Standard", "Basic"])
    add(
        "Revenue per employee",
        "formula",
        formula="revenue_12m / [Employees]",
        hint="Revenue of twelve months ÷ employees",
    )
    talks = {"source": "interactions", "how": "count", "where": ["contact=yes"], "days": 90}
    add("Conversations, 90 days", "rollup", rollup=talks)
    for n, client in enumerate(stage.clients.values()):
        if client.archived_at is None and n % 5 != 4:  # some are not known yet
            given = {"cf_employees": stage.dice.choice((8, 14, 25, 60, 120, 340)), "cf_service_level": LEVELS[n % 3]}
            update_client(acting(client.owner), client=client, **given)
    rules = [
        {"field": "cf_service_level", "op": "is", "values": ["premium"]},
        {"field": "cf_conversations_90_days", "op": "less", "values": [4]},
    ]
    create_segment(acting(stage.users["marta"]), name=SEGMENT, rule={"match": "all", "rules": rules}, is_shared=True)


def remove(now) -> None:
    """The segment, and the fields that no record of the firm's own has a value of."""
    Segment.objects.filter(name=SEGMENT, owner__is_demo=True).delete()
    begin_change()
    for field in CustomField.objects.filter(record="client", key__in=KEYS):
        if not Client.objects.filter(custom__has_key=field.key).exists():
            field.archived_at = now
            set_indexes(field, Client)
            field.delete()
    FieldSection.objects.filter(record="client", name=SECTION, fields=None).delete()
