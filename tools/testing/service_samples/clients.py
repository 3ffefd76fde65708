from datetime import date, timedelta
from decimal import Decimal

from clients.contacts.services import new_contact
from clients.records.services.clients import new_client
from clients.records.services.statuses import Span
from clients.revenue.services.contracts import new_contract
from clients.revenue.services.lines import new_line
from crm.core.base.principals import SYSTEM
from tools.testing.factories.documents import received
from tools.testing.samples import TODAY, Sample, by_admin, by_manager, declare

declare(
    "clients.catalogue.services",
    create_service=by_manager(lambda own: {"name": "Payroll"}),
    update_service=by_manager(lambda own: {"service": own("service"), "name": "Payroll"}),
    archive_service=by_manager(lambda own: {"service": own("service"), "now": own.now}),
    restore_service=by_manager(lambda own: {"service": own.changed("service", archived_at=own.now)}),
    create_tag=by_manager(lambda own: {"name": "Key"}),
    update_tag=by_manager(lambda own: {"tag": own("tag"), "name": "Key"}),
    delete_tag=by_manager(lambda own: {"tag": own("tag")}),
)


def _archived_contact(own):
    return {"contact": own.changed("contact", archived_at=own.now)}


declare(
    "clients.contacts.services",
    affiliate=lambda own: {"client": own("client"), "contact": own.scene.rows["contact"]["team"], "title": "CFO"},
    create_contact=lambda own: {"client": own("client"), "first_name": "Aino"},
    create_contacts=lambda own: {
        "rows": [
            new_contact(created_by=own.user("owner"), client=own("client"), first_name=name)
            for name in ("Aino", "Eero")
        ]
    },
    mark_address=Sample(
        lambda own: (
            own.make("clients.ContactEmail", contact=own("contact"), address="elina@example.com")
            and {"address": "elina@example.com", "is_refused": True, "now": own.now}
        ),
        by=lambda own: SYSTEM,
    ),
    update_contact=Sample(
        lambda own: {"contact": own("contact"), "first_name": "Aino"},
        refused=lambda own: _archived_contact(own) | {"first_name": "Aino"},
    ),
    archive_contact=lambda own: {"contact": own("contact"), "now": own.now},
    restore_contact=_archived_contact,
    set_consent=Sample(
        lambda own: _consent(own, own("contact")),
        refused=lambda own: _consent(own, own.changed("contact", archived_at=own.now)),
    ),
    use_new_details=lambda own: {"held": _held(own)},
    keep_held_details=lambda own: {"held": _held(own), "now": own.now},
    end_affiliation=lambda own: {"affiliation": own("affiliation"), "left_date": TODAY},
)


def _consent(own, contact):
    return {"contact": contact, "purpose": "survey", "is_given": True, "now": own.now}


def _held(own):
    return own.changed("held", details={"archived": False})


def _another(own):
    return own.make(
        "clients.ClientAccess", client=own("client"), user=own.user("stranger"), granted_by=own.user("owner")
    )


declare(
    "clients.records.services.clients",
    create_client=lambda own: {"name": "Northwind", "today": TODAY},
    create_clients=lambda own: {
        "rows": [new_client(owner=own.user("owner"), name=name, today=TODAY) for name in ("Alfa", "Beta")],
        "today": TODAY,
    },
    update_client=lambda own: {"client": own("client"), "city": "Turku"},
    archive_client=lambda own: {"client": own("client"), "now": own.now},
    restore_client=Sample(lambda own: {"client": own("client")}, of="archived"),
    reassign_clients=lambda own: {"clients": [own("client")], "owner": own.user("mate")},
    restrict_client=lambda own: {"client": own("client"), "users": [own.user("mate")]},
    unrestrict_client=lambda own: {"client": own.changed("client", is_restricted=True)},
    grant_access=lambda own: {"client": own("client"), "user": own.user("mate")},
    revoke_access=lambda own: {"access": _another(own)},
)
declare(
    "clients.records.services.statuses",
    change_status=lambda own: {"client": own("client"), "status": "paused", "start_date": TODAY, "today": TODAY},
    change_since=lambda own: {"client": own("client"), "start_date": TODAY - timedelta(days=900), "today": TODAY},
    replace_periods=lambda own: {
        "client": own("client"),
        "spans": [Span(TODAY - timedelta(days=900), None, "active")],
        "today": TODAY,
    },
    withdraw_status=lambda own: {
        "period": own.make("clients.StatusPeriod", client=_paused_before(own), status="paused", start_date=TODAY),
        "today": TODAY,
    },
)


def _paused_before(own):
    own("client").status_periods.update(end_date=TODAY)
    return own("client")


EUR = {"currency": "EUR"}


def _contract(own):
    given = {"service": own("service"), "value": Decimal(900), "start_date": TODAY, "rate": 1, "period": "month"}
    return new_contract(own("client"), **given | EUR)


def _renewed(own):
    own.changed("contract", is_auto_renewed=True, renewal_date=TODAY)
    return {"today": TODAY}


declare(
    "clients.revenue.services.contracts",
    create_contract=lambda own: (
        {"client": own("client"), "service": own("service"), "value": Decimal(900), "start_date": TODAY} | EUR
    ),
    create_contracts=lambda own: {"rows": [_contract(own), _contract(own)]},
    update_contract=lambda own: {"contract": own("contract"), "notice_days": 30},
    change_price=lambda own: {
        "contract": own("contract"),
        "value": Decimal(2),
        "start_date": date(2026, 12, 1),
        "reason": "indexation",
    },
    renew_contracts=Sample(_renewed, by=lambda own: SYSTEM),
    archive_contract=lambda own: {"contract": own("contract"), "now": own.now},
    restore_contract=lambda own: {"contract": own.changed("contract", archived_at=own.now)},
)
declare(
    "clients.revenue.services.lines",
    add_revenue_lines=lambda own: {
        "rows": [new_line(own("client"), date=TODAY, amount=Decimal(n), currency="EUR", rate=1) for n in (5, 6)],
        "today": TODAY,
    },
    add_revenue_line=lambda own: {"client": own("client"), "date": TODAY, "amount": Decimal(5), "today": TODAY} | EUR,
    update_revenue_line=lambda own: {"line": own("line"), "today": TODAY, "note": "Again"},
    delete_revenue_line=lambda own: {"line": own("line"), "today": TODAY},
    undelete_revenue_line=lambda own: {"client": own("client"), "line_id": _deleted_line(own), "today": TODAY},
)


declare(
    "clients.revenue.services.rates",
    set_rate=by_admin(lambda own: {"day": TODAY, "currency": "USD", "rate": Decimal("0.9"), "today": TODAY}),
    delete_rate=by_admin(
        lambda own: {
            "rate": own.make("clients.ExchangeRate", base="EUR", currency="USD", day=TODAY, rate=Decimal("0.9"))
        }
    ),
)


def _deleted_line(own):
    line = own.make("clients.RevenueLine", client=own("client"), date=TODAY, amount=Decimal(3), currency="EUR", rate=1)
    number = line.pk
    line.delete()
    return number


declare(
    "clients.documents.services",
    add_document=lambda own: {"client": own("client"), "received": received(), "now": own.now},
    add_document_version=lambda own: {"document": own("document"), "received": received(), "now": own.now},
    update_document=lambda own: {"document": own("document"), "title": "Passport"},
    set_document_shared=lambda own: {"document": own("document"), "is_shared": True},
    archive_document=lambda own: {"document": own("document"), "now": own.now},
    restore_document=lambda own: {"document": own.changed("document", archived_at=own.now)},
)
