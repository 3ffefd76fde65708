from datetime import date
from decimal import Decimal

from django.apps import apps
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, Value, When
from django.db.models.functions import Lower
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from clients.catalogue.models import Service
from clients.checks import CURRENCY
from clients.currencies.models import PricedQuerySet, in_firms_currency, rate_column
from clients.engagements.models import NamesEngagement, engagement_key, named_q
from clients.gate import visible_q
from clients.invoices.models import Invoice
from clients.records.models import Client
from clients.revenue.choices import MONTHS_IN, BillingPeriod, RevenueKind
from crm.core.base.archiving import Archivable, ArchivableQuerySet
from crm.core.base.dates import FIRST_YEAR, LAST_YEAR
from crm.core.base.models import Customised, Folded, Versioned, tracked
from crm.core.base.querysets import Held

FIRM = models.DecimalField(max_digits=20, decimal_places=2)
PLAUSIBLE = tuple(Value(day, models.DateField()) for day in (date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31)))


class ClientRowQuerySet(PricedQuerySet):
    def visible_to(self, principal):
        return self.filter(visible_q(principal, "client__"))


IN_FORCE = Held("start_date", "end_date")


class ContractQuerySet(ArchivableQuerySet, ClientRowQuerySet, NamesEngagement):
    def in_force_on(self, day):
        return self.kept().filter(IN_FORCE.q(day))

    def recurring(self):
        """Paid, and again and again."""
        return self.filter(is_free=False, period__in=list(MONTHS_IN))

    def running(self, today):
        """In force, or not begun yet: what is not over."""
        return self.filter(Q(end_date__isnull=True) | Q(end_date__gt=today))

    def history_visible_to(self, principal):
        """Of a contract won with an opportunity out of the principal's sight also not the versions with another name or reason than it has
        now: they may say that opportunity's title (`forget_won_titles`). So may those of a contract that replaces another, as it may be
        that one: of such, where anything of the client was won out of sight."""
        opportunities = apps.get_model("clients", "Opportunity").objects  # a higher room
        hidden = opportunities.filter(made_contract__isnull=False).exclude(named_q(principal)).order_by()
        won = Exists(hidden.filter(made_contract=OuterRef("pgh_obj_id")))
        later = Q(replaces__isnull=False) & Exists(hidden.filter(client=OuterRef("client_id")))
        now = self.model._default_manager.filter(pk=OuterRef("pgh_obj_id"))
        same = Exists(now.filter(name=OuterRef("name"), change_reason=OuterRef("change_reason")))
        return super().history_visible_to(principal).exclude((won | later) & ~same)

    def that_renew(self):
        """Whose renewal date comes before they end."""
        return self.filter(Q(end_date__isnull=True) | Q(end_date__gte=F("renewal_date")), renewal_date__isnull=False)

    def with_yearly(self):
        """`yearly_firm`: what each brings in a year, or once, in the firm's currency; 0 for one that is free, NULL without a rate."""
        times = [When(period=period, then=Value(12 // months)) for period, months in MONTHS_IN.items()]
        yearly = F("value") * F("rate") * Case(*times, default=Value(1))
        free = When(is_free=True, then=Value(Decimal(0)))
        return self.annotate(yearly_firm=Case(free, default=yearly, output_field=FIRM))


@tracked
class Contract(Archivable, Customised, Versioned):
    """What a client pays for a service, over `[start_date, end_date)`. A price change ends the row and starts another,
    which names the one it replaces and why. Its engagement is not a restricted one: the database refuses that (decision 25).
    """

    client = models.ForeignKey(Client, models.CASCADE, related_name="contracts")
    engagement = engagement_key("contracts")
    service = models.ForeignKey(Service, models.PROTECT, related_name="contracts", verbose_name=_("service"))
    name = models.CharField(_("name"), max_length=160, blank=True)
    number = models.CharField(_("number"), max_length=40, blank=True, default="", db_default="")
    value = models.DecimalField(_("value"), max_digits=14, decimal_places=2, validators=[MinValueValidator(0)])
    currency = models.CharField(_("currency"), max_length=3, validators=[CURRENCY])
    rate = rate_column()
    is_free = models.BooleanField(_("free or trial"), default=False)
    period = models.CharField(_("paid"), max_length=8, choices=BillingPeriod, default=BillingPeriod.MONTH)
    start_date = models.DateField(_("from"))
    end_date = models.DateField(_("until"), null=True, blank=True)
    renewal_date = models.DateField(_("renewal"), null=True, blank=True)
    notice_days = models.PositiveSmallIntegerField(_("notice, days"), default=0)
    notice_date = models.GeneratedField(
        # none for a date that an older version took: before year 1 or after 9999 nothing could read the row
        expression=Case(
            When(renewal_date__range=PLAUSIBLE, then=F("renewal_date") - F("notice_days")),
            output_field=models.DateField(),
        ),
        output_field=models.DateField(_("notice by")),
        db_persist=True,
    )
    is_auto_renewed = models.BooleanField(_("renews automatically"), default=False)
    replaces = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="replaced_by")
    change_reason = models.CharField(_("reason for the change"), max_length=200, blank=True)

    rate_day = "start_date"  # the day whose rate applies
    objects = ContractQuerySet.as_manager()

    class Meta:
        ordering = ["-start_date", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(value__gte=0), name="contract_value_not_negative"),
            models.CheckConstraint(
                condition=Q(end_date__isnull=True) | Q(end_date__gt=F("start_date")), name="contract_not_empty"
            ),
            models.CheckConstraint(condition=Q(rate__gt=0), name="contract_rate_positive"),
            # a new price keeps the number of the contract that it replaces
            models.UniqueConstraint(
                F("client"),
                Lower("number"),
                name="contract_number_unique",
                condition=~Q(number="") & Q(archived_at__isnull=True, replaces__isnull=True),
                violation_error_message=_("This client has a contract with this number already."),
            ),
        ]
        indexes = [
            models.Index(fields=["client", "start_date"], name="contract_client"),
            models.Index(fields=["renewal_date"], name="contract_renewal", condition=Q(renewal_date__isnull=False)),
            models.Index(fields=["notice_date", "id"], name="contract_notice"),
            models.Index(fields=["-start_date", "-id"], name="contract_newest", condition=Q(archived_at__isnull=True)),
            models.Index(fields=["start_date", "client"], name="contract_without_rate", condition=Q(rate__isnull=True)),
            GinIndex(OpClass(Folded(F("name")), name="gin_trgm_ops"), name="contract_search"),
            GinIndex(
                OpClass(Folded(F("number")), name="gin_trgm_ops"), name="contract_number", condition=~Q(number="")
            ),
            models.Index(
                fields=["engagement", "-start_date", "-id"],
                name="contract_engagement",
                condition=Q(engagement__isnull=False),
            ),
        ]

    def __str__(self):
        return self.name or self.service.name

    @property
    def name_words(self) -> str:
        """What it is called besides its service: name and number."""
        return " · ".join(filter(None, [self.name, self.number]))

    @property
    def yearly_value(self) -> Decimal | None:
        """What it brings in a year, or once; None for one that is free."""
        return None if self.is_free else self.value * 12 / MONTHS_IN.get(BillingPeriod(self.period), 12)

    def is_in_force_on(self, day) -> bool:
        """The same as `in_force_on`, of a contract that is loaded."""
        return not self.is_archived and IN_FORCE.holds(self, day)

    @property
    def monthly_value(self) -> Decimal | None:
        """Value per month in the firm's currency; 0 for free and one-off contracts, None without a rate."""
        months = MONTHS_IN.get(BillingPeriod(self.period))
        if self.is_free or not months:
            return Decimal(0)
        return None if self.rate is None else self.value * self.rate / months


class RevenueLineQuerySet(ClientRowQuerySet, NamesEngagement):
    def between(self, start, end):
        """Booked in [start, end)."""
        return self.filter(date__gte=start, date__lt=end)


@tracked
class RevenueLine(Versioned):
    """Revenue booked on a date, net of tax; a refund is negative. `amount_firm` is in the firm's currency, NULL without a rate.

    Neither its engagement nor that of its invoice is a restricted one: the database refuses that (decision 25)."""

    client = models.ForeignKey(Client, models.CASCADE, related_name="revenue_lines")
    engagement = engagement_key("revenue_lines")
    date = models.DateField(_("date"))
    amount = models.DecimalField(_("amount, net of tax"), max_digits=14, decimal_places=2)
    currency = models.CharField(_("currency"), max_length=3, validators=[CURRENCY])
    rate = rate_column()
    amount_firm = in_firms_currency(F("amount") * F("rate"))
    service = models.ForeignKey(
        Service, models.PROTECT, null=True, blank=True, related_name="revenue_lines", verbose_name=_("service")
    )
    invoice = models.ForeignKey(
        Invoice,
        models.SET_NULL,
        null=True,
        blank=True,
        db_index=False,
        related_name="revenue_lines",
        verbose_name=_("invoice"),
    )
    kind = models.CharField(_("kind"), max_length=10, choices=RevenueKind, default=RevenueKind.FEE)
    reference = models.CharField(_("reference"), max_length=120, blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True)

    rate_day = "date"  # the day whose rate applies
    objects = RevenueLineQuerySet.as_manager()

    class Meta:
        verbose_name = _("revenue line")
        ordering = ["-date", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(rate__gt=0), name="revenue_rate_positive"),
            models.CheckConstraint(
                condition=~Q(kind="refund") | Q(amount__lte=0),
                name="refund_not_positive",
                violation_error_message=_("A refund is a negative amount."),
            ),
        ]
        indexes = [
            models.Index(fields=["client", "-date", "-id"], name="revenue_client", include=["amount_firm"]),
            models.Index(fields=["date", "client"], name="revenue_date", include=["amount_firm"]),
            models.Index(fields=["client", "date"], name="revenue_without_rate", condition=Q(rate__isnull=True)),
            models.Index(fields=["invoice"], name="revenue_invoice", condition=Q(invoice__isnull=False)),
            models.Index(
                fields=["engagement", "-date", "-id"],
                name="revenue_engagement",
                condition=Q(engagement__isnull=False),
                include=["amount_firm"],
            ),
        ]

    def __str__(self):
        return f"{self.client} · {self.service or self.get_kind_display()}, {date_format(self.date, 'j M Y')}"
