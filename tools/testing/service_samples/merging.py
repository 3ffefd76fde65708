from tools.testing.samples import Sample, declare


def _clients(own):
    return {"kept": own("client"), "away": own("client pair").second, "now": own.now}


def _contacts(own):
    return {"kept": own("contact"), "away": own("contact pair").second, "now": own.now}


def _with_archived(own):
    own.changed("contact", archived_at=own.now)
    return _contacts(own)


def _contact_merge(own):
    return {"merge": own("contact merge"), "now": own.now}


def _of_archived(own):
    own.changed("contact", archived_at=own.now)
    return _contact_merge(own)


declare("clients.merging.services", merge_clients=_clients, merge_contacts=Sample(_contacts, refused=_with_archived))
declare(
    "clients.merging.undoing",
    undo_client_merge=lambda own: {"merge": own("client merge"), "now": own.now},
    undo_contact_merge=Sample(_contact_merge, refused=_of_archived),
)
