"""Invoices and what was paid of them.

How an invoice stands (due, overdue, part paid, paid, void) is no column: it follows from `gross`, `paid`, `due_date` and `voided_at`. `paid` is the
sum of its payments, which a trigger of the database keeps.
"""

from datetime import date, timedelta

import pgtrigger
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from clients.checks import CURRENCY
from clients.currencies.models import PricedQuerySet, in_firms_currency, rate_column
from clients.engagements.models import NamesEngagement, engagement_key, named_q
from clients.gate import visible_q
from clients.invoices.choices import AGES, InvoiceStatus
from clients.records.models import Client
from crm.core.base.archiving import Archivable, ArchivableQuerySet
from crm.core.base.models import Folded, Versioned, tracked

MONEY = {"max_digits": 14, "decimal_places": 2}


class InvoiceQuerySet(ArchivableQuerySet, PricedQuerySet, NamesEngagement):
    def visible_to(self, principal):
        """The client's gate, and that of the engagement it names."""
        return self.filter(visible_q(principal, "client__")).filter(named_q(principal))

    def unpaid(self):
        """Something is open: not void, and not paid in full."""
        return self.filter(UNPAID)

    def overdue(self, today: date):
        return self.unpaid().filter(due_date__lt=today)

    def aged(self, age: str, today: date):
        """Unpaid ones of a step of the aging (`AGES`)."""
        return self.unpaid().filter(aged_q(age, today))

    def standing(self, status: str, today: date):
        """Those of a status, or "unpaid"."""
        if status == InvoiceStatus.VOID:
            return self.filter(voided_at__isnull=False)
        if status == InvoiceStatus.PAID:
            return self.filter(voided_at__isnull=True, paid=F("gross"))
        found = self.unpaid()
        if status == InvoiceStatus.OVERDUE:
            return found.filter(due_date__lt=today)
        if status == InvoiceStatus.DUE:
            return found.filter(due_date__gte=today)
        return found.exclude(paid=0) if status == InvoiceStatus.PART_PAID else found


UNPAID = Q(voided_at__isnull=True) & ~Q(paid=F("gross"))


def aged_q(age: str, today: date) -> Q:
    """The due dates of a step of the aging."""
    first, last = AGES[age]
    found = Q()
    if first is not None:
        found &= Q(due_date__lte=today - timedelta(days=first))
    if last is not None:
        found &= Q(due_date__gte=today - timedelta(days=last))
    return found


@tracked
class Invoice(Archivable, Versioned):
    """What the firm billed to a client. `net` + `tax` is `gross`, of which `paid` was paid; a credit note is negative. `gross_firm` and
    `open_firm` are in the firm's currency at the rate of the invoice's date, NULL without one."""

    client = models.ForeignKey(Client, models.CASCADE, related_name="invoices", verbose_name=_("client"))
    engagement = engagement_key("invoices")
    number = models.CharField(_("number"), max_length=40)
    invoice_date = models.DateField(_("invoice date"))
    due_date = models.DateField(_("due date"))
    net = models.DecimalField(_("net"), **MONEY)
    tax = models.DecimalField(_("tax"), default=0, **MONEY)
    gross = models.GeneratedField(
        expression=F("net") + F("tax"), output_field=models.DecimalField(_("gross"), **MONEY), db_persist=True
    )
    currency = models.CharField(_("currency"), max_length=3, validators=[CURRENCY])
    rate = rate_column()
    paid = models.DecimalField(_("paid"), default=0, db_default=0, editable=False, **MONEY)
    net_firm = in_firms_currency(F("net") * F("rate"))
    gross_firm = in_firms_currency((F("net") + F("tax")) * F("rate"))
    open_firm = in_firms_currency((F("net") + F("tax") - F("paid")) * F("rate"))
    voided_at = models.DateTimeField(_("voided"), null=True, blank=True, editable=False)
    void_reason = models.CharField(_("why it is void"), max_length=200, blank=True)
    note = models.TextField(_("note"), blank=True)
    search_key = models.GeneratedField(expression=Folded(F("number")), output_field=models.TextField(), db_persist=True)

    rate_day = "invoice_date"  # the day whose rate applies
    objects = InvoiceQuerySet.as_manager()

    class Meta:
        verbose_name = _("invoice")
        ordering = ["-invoice_date", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(number=""), name="invoice_number_given", violation_error_message=_("Enter a number.")
            ),
            models.UniqueConstraint(
                Lower("number"),
                name="invoice_number_unique",
                condition=Q(archived_at__isnull=True),
                violation_error_message=_("This number is already in use."),
            ),
            models.CheckConstraint(
                condition=Q(due_date__gte=F("invoice_date")),
                name="invoice_due_after_its_date",
                violation_error_message=_("It cannot be due before its date."),
            ),
            models.CheckConstraint(
                condition=Q(net__gte=0, tax__gte=0) | Q(net__lte=0, tax__lte=0),
                name="invoice_tax_has_the_sign_of_net",
                violation_error_message=_(
                    "Net and tax of an invoice are both positive, those of a credit note both negative."
                ),
            ),
            models.CheckConstraint(condition=Q(rate__gt=0), name="invoice_rate_positive"),
            models.CheckConstraint(
                condition=Q(paid__gte=0, paid__lte=F("net") + F("tax")) | Q(paid__lte=0, paid__gte=F("net") + F("tax")),
                name="invoice_not_paid_beyond_its_total",
                violation_error_message=_("More has been paid than this total."),
            ),
            models.CheckConstraint(
                condition=Q(voided_at__isnull=True) | Q(paid=0),
                name="invoice_void_has_no_payment",
                violation_error_message=_("Remove its payments first."),
            ),
        ]
        indexes = [
            models.Index(fields=["client", "-invoice_date", "-id"], name="invoice_client"),
            models.Index(fields=["-invoice_date", "-id"], name="invoice_newest", condition=Q(archived_at__isnull=True)),
            models.Index(
                fields=["due_date", "id"],
                name="invoice_unpaid",
                condition=Q(archived_at__isnull=True) & UNPAID,
            ),
            models.Index(fields=["due_date", "id"], name="invoice_due", condition=Q(archived_at__isnull=True)),
            models.Index(
                fields=["client", "due_date"],
                name="invoice_client_unpaid",
                condition=Q(archived_at__isnull=True) & UNPAID,
            ),
            models.Index(
                fields=["engagement", "-invoice_date", "-id"],
                name="invoice_engagement",
                condition=Q(engagement__isnull=False),
            ),
            models.Index(fields=["invoice_date"], name="invoice_without_rate", condition=Q(rate__isnull=True)),
            GinIndex(OpClass(F("search_key"), name="gin_trgm_ops"), name="invoice_search"),
        ]

    def __str__(self):
        return self.number

    @property
    def name(self) -> str:
        """As filters and chips call it."""
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("clients:invoice", kwargs={"pk": self.pk})

    @property
    def is_void(self) -> bool:
        return self.voided_at is not None

    @property
    def open_amount(self):
        """What is left to pay; 0 for a void one."""
        return 0 if self.is_void else self.gross - self.paid

    def status_on(self, today: date) -> InvoiceStatus:
        """The one word for how it stands: overdue before part paid."""
        if self.is_void:
            return InvoiceStatus.VOID
        if self.paid == self.gross:
            return InvoiceStatus.PAID
        if self.due_date < today:
            return InvoiceStatus.OVERDUE
        return InvoiceStatus.PART_PAID if self.paid else InvoiceStatus.DUE


class PaymentQuerySet(models.QuerySet):
    def visible_to(self, principal):
        seen = named_q(principal, "invoice__engagement")
        return self.filter(visible_q(principal, "invoice__client__")).filter(seen)


@tracked
class Payment(models.Model):
    """A part of an invoice that was paid, in its currency; negative for what was paid back of a credit note. It is never changed: a wrong
    one is removed, and the history keeps it."""

    invoice = models.ForeignKey(Invoice, models.CASCADE, related_name="payments", verbose_name=_("invoice"))
    paid_date = models.DateField(_("date"))
    amount = models.DecimalField(_("amount"), **MONEY)
    note = models.CharField(_("note"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = PaymentQuerySet.as_manager()

    class Meta:
        verbose_name = _("payment")
        ordering = ["paid_date", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(amount=0), name="payment_not_zero", violation_error_message=_("Enter an amount.")
            )
        ]
        triggers = [
            # The sum stands on the invoice, so that lists, aging and searches read no payments. A payment counts the version up, too.
            pgtrigger.Trigger(
                name="paid_is_the_sum",
                level=pgtrigger.Row,
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                func="""
                    IF TG_OP <> 'INSERT' THEN
                        UPDATE clients_invoice SET paid = paid - OLD.amount, version = version + 1, updated_at = now()
                        WHERE id = OLD.invoice_id;
                    END IF;
                    IF TG_OP <> 'DELETE' THEN
                        UPDATE clients_invoice SET paid = paid + NEW.amount, version = version + 1, updated_at = now()
                        WHERE id = NEW.invoice_id;
                    END IF;
                    RETURN NULL;
                """,
            )
        ]

    def __str__(self):
        return f"{self.invoice} · {self.amount}"
