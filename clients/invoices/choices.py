from django.db import models
from django.utils.translation import gettext_lazy as _


class InvoiceStatus(models.TextChoices):
    """How an invoice stands on a day. Read from its amounts, its payments and its due date; no column holds it."""

    DUE = "due", _("Due")
    OVERDUE = "overdue", _("Overdue")
    PART_PAID = "part_paid", _("Part paid")
    PAID = "paid", _("Paid")
    VOID = "void", _("Void")


# What a list is filtered by. An unpaid invoice is due, part paid or overdue; a part paid one may be overdue too.
FILTERED = [
    ("unpaid", _("Unpaid")),
    (InvoiceStatus.DUE.value, _("Not yet due")),
    (InvoiceStatus.OVERDUE.value, InvoiceStatus.OVERDUE.label),
    (InvoiceStatus.PART_PAID.value, InvoiceStatus.PART_PAID.label),
    (InvoiceStatus.PAID.value, InvoiceStatus.PAID.label),
    (InvoiceStatus.VOID.value, InvoiceStatus.VOID.label),
]
# Days after the due date, the first and the last of each; None is open.
AGES = {
    "current": (None, 0),
    "1-30": (1, 30),
    "31-60": (31, 60),
    "61-90": (61, 90),
    "91": (91, None),
}
AGE_WORDS = {
    "current": _("Not yet due"),
    "1-30": _("1–30 days"),
    "31-60": _("31–60 days"),
    "61-90": _("61–90 days"),
    "91": _("Over 90 days"),
}
INVOICE_TONES = {"due": "blue", "overdue": "red", "part_paid": "amber", "paid": "green", "void": ""}
