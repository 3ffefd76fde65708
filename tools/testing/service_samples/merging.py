from clients.merging.services import merge_clients, merge_contacts
from crm.core.base.principals import acting
from tools.testing.samples import Sample, declare


def _clients(own):
    return {"kept": own("client"), "away": own("client pair").second, "now": own.now}


def _contacts(own):
    return {"kept": own("contact"), "away": own("contact pair").second, "now": own.now}


def _with_archived(own):
    own.changed("contact", archived_at=own.now)
    return _contacts(own)


def _client_merge(own):
    """A merge that was made: its undo reads the history."""
    return {"merge": merge_clients(acting(own.user("admin")), **_clients(own)), "now": own.now}


def _contact_merge(own):
    return {"merge": merge_contacts(acting(own.user("admin")), **_contacts(own)), "now": own.now}


def _of_archived(own):
    own.changed("contact", archived_at=own.now)
    return {"merge": own("contact merge"), "now": own.now}


declare("clients.merging.services", merge_clients=_clients, merge_contacts=Sample(_contacts, refused=_with_archived))
declare(
    "clients.merging.undoing",
    undo_client_merge=_client_merge,
    undo_contact_merge=Sample(_contact_merge, refused=_of_archived),
)
