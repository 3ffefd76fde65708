from datetime import date
from decimal import Decimal

from tools.testing.access import EVERYONE, Row, of_list


def build(scene):
    """One for each client, with a payment; `barrier` names the restricted engagement that its lead alone sees."""
    made = {kind: _make(scene, client, f"INV-{kind}") for kind, client in scene.clients.items()}
    made["barrier"] = _make(scene, scene.clients["own"], "INV-barrier", engagement=scene.rows["engagement"]["barrier"])
    scene.rows["invoice"] = made
    payments = scene.model("clients.Payment").objects
    scene.rows["payment"] = {
        kind: payments.create(invoice=row, paid_date=date(2026, 11, 2), amount=Decimal(10))
        for kind, row in made.items()
    }


def _make(scene, client, number, **more):
    return scene.model("clients.Invoice").objects.create(
        client=client,
        number=number,
        invoice_date=date(2026, 11, 1),
        due_date=date(2026, 11, 15),
        net=Decimal(100),
        tax=Decimal(24),
        currency="EUR",
        rate=1,
        **more,
    )


SEEN_BY = {"barrier": ("owner",)}


def of_one(url, about="invoice", **methods):
    shuts = methods.pop("shuts_archived", True)
    return Row(url, about=about, shuts_archived=shuts, seen_by=SEEN_BY, **methods)


def _of_payment(scene, kind):
    """The number of the invoice in an address about one of its payments."""
    return scene.rows["invoice"].get(kind, scene.rows["invoice"]["own"]).pk


API = {"about": "invoice", "seen_by": SEEN_BY | {"archived": ()}}
PAYMENT = {"about": "payment", "arg": "payment_id", "also": {"pk": _of_payment}}
ROWS = [
    *of_list("clients:invoices", "filters", "export", "select"),
    Row("clients:invoices-sums", get=EVERYONE),
    Row("clients:invoice_new", get=EVERYONE, post=EVERYONE),
    Row("clients:invoice_new_for", get=EVERYONE, post=EVERYONE, about="client", arg="client_id", shuts_archived=True),
    of_one("clients:invoice", get=EVERYONE, shuts_archived=False),
    of_one("clients:invoice_edit", get=EVERYONE, post=EVERYONE),
    of_one("clients:invoice_void", get=EVERYONE, post=EVERYONE),
    of_one("clients:invoice_reinstate", post=EVERYONE),
    of_one("clients:invoice_archive", post=EVERYONE),
    of_one("clients:invoice_restore", post=EVERYONE),
    of_one("clients:payment_new", get=EVERYONE, post=EVERYONE),
    of_one("clients:payment_remove", post=EVERYONE, **PAYMENT),
    of_one("clients:payment_restore", post=EVERYONE, also={"payment_id": 1}),
    *of_list("clients:contracts", "filters", "export", "select"),
    Row("clients:renewals", get=EVERYONE),
    *of_list("clients:revenue_lines", "filters", "export"),
    Row("clients:revenue_by_month", get=EVERYONE),
    Row("clients:revenue_by_month_export", get=EVERYONE),
    Row("api:invoices-list", get=EVERYONE, post=EVERYONE),
    Row("api:invoices-detail", get=EVERYONE, patch=EVERYONE, delete=EVERYONE, **API),
    Row("api:invoices-restore", post=EVERYONE, **API),
    Row("api:invoices-void", post=EVERYONE, **API),
    Row("api:invoices-reinstate", post=EVERYONE, **API),
    Row("api:invoices-payments", get=EVERYONE, post=EVERYONE, **API),
    Row(
        "api:invoices-payment",
        delete=EVERYONE,
        about="payment",
        arg="payment_id",
        also={"pk": _of_payment},
        seen_by=SEEN_BY | {"archived": ()},
    ),
    Row("api:invoices-batch", post=EVERYONE),
    Row("api:invoices-by-external-id", put=EVERYONE, also={"system": "sf", "value": "1"}),
]
