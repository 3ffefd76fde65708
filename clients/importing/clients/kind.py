"""The import of clients, with an optional main contact in the same row."""

from django.utils.translation import gettext_lazy

from clients.duplicates.near import note
from clients.importing import common
from clients.importing.clients.columns import COLUMNS
from clients.importing.clients.matching import CALLED_BY, called, client_rows, look_up
from clients.importing.clients.planning import plan_client
from clients.importing.clients.referrals import BY_ID
from clients.importing.clients.writing import create, exported, finish, lock, update
from clients.records.models import Client

CLIENTS = common.record_kind(
    "clients",
    gettext_lazy("Clients"),
    of="client",
    turn=10,
    columns=COLUMNS,
    rows=client_rows,
    plan=plan_client,
    create=create,
    update=update,
    look_up=look_up,
    called_by=CALLED_BY,
    called=called,
    lock=lock,
    finish=finish,
    export=lambda principal: exported(principal, Client.objects.visible_to(principal).kept()),
    defaults=("status", "owner", "status_date", "relationship", "tier"),
    must_ask=("status", "owner", "status_date"),
    needs=(("name", "contact_last_name", "contact_first_name"),),
    ids=("external_id", "parent_external_id", BY_ID),
    preview_note=note,
    match_note=gettext_lazy("Existing clients are matched by ID, then email, then domain. Never by name alone."),
)
