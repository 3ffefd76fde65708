"""What a roll-up of clients may compute, of the rows of this app. Amounts are in the firm's currency."""

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clients.contacts.choices import DecisionRole
from clients.contacts.models import Affiliation
from clients.documents.choices import DocumentKind
from clients.documents.models import Document
from clients.engagements.choices import ENGAGEMENT, EngagementState
from clients.engagements.models import Engagement
from clients.engagements.words import MANY, Said, is_on
from clients.invoices.models import UNPAID, Invoice
from clients.opportunities.choices import OpportunityKind, OpportunityState
from clients.opportunities.models import Opportunity
from clients.records.models import Client
from clients.referrals.models import Referral
from clients.revenue.choices import BillingPeriod, RevenueKind
from clients.revenue.models import Contract, RevenueLine
from crm.core.fields.custom.formulas.checking import Result
from crm.core.fields.custom.rollups import Condition, Measure, Source, by_choice, sources

NO_RATE = Q(rate__isnull=True)
WITHOUT_RATE = Condition("without_rate", _("Without a rate"), lambda asked: NO_RATE)

sources.register(
    Source(
        "contacts",
        "client",
        _("Contacts"),
        lambda principal: Affiliation.objects.visible_to(principal).current(),
        "created_at",
        _("Contacts who are at the client now. Archived ones do not count."),
        is_moment=True,
        conditions=(
            *by_choice("decision_role", _("Role"), DecisionRole.choices),
            Condition("is_primary", _("Main contact"), lambda asked: Q(is_primary=True)),
            Condition("is_billing", _("Billing contact"), lambda asked: Q(is_billing=True)),
        ),
        order=10,
    )
)
sources.register(
    Source(
        "contracts",
        "client",
        _("Contracts"),
        lambda principal: Contract.objects.visible_to(principal).kept().with_yearly(),
        "start_date",
        _("All contracts of the client, ended ones too. Archived ones do not count."),
        measures=(
            Measure("yearly", _("Value a year, or once"), "yearly_firm", Result.MONEY, unrated=NO_RATE),
            Measure("start_date", _("Start"), "start_date", Result.DATE),
            Measure("end_date", _("End"), "end_date", Result.DATE),
            Measure("renewal_date", _("Renewal"), "renewal_date", Result.DATE),
        ),
        conditions=(
            Condition(
                "now=in_force",
                _("In force today"),
                lambda asked: Q(start_date__lte=asked.today) & (Q(end_date__isnull=True) | Q(end_date__gt=asked.today)),
            ),
            *by_choice("period", _("Paid"), BillingPeriod.choices),
            Condition("not_free", _("Not free"), lambda asked: Q(is_free=False)),
            WITHOUT_RATE,
        ),
        order=20,
    )
)
sources.register(
    Source(
        "revenue",
        "client",
        _("Revenue lines"),
        lambda principal: RevenueLine.objects.visible_to(principal),
        "date",
        _("Everything that is booked, refunds too."),
        measures=(
            Measure("amount", _("Amount, net of tax"), "amount_firm", Result.MONEY, unrated=NO_RATE),
            Measure("date", _("Date"), "date", Result.DATE),
        ),
        conditions=(*by_choice("kind", _("Kind"), RevenueKind.choices), WITHOUT_RATE),
        order=30,
    )
)
sources.register(
    Source(
        "opportunities",
        "client",
        _("Opportunities"),
        lambda principal: Opportunity.objects.visible_to(principal).kept(),
        "opened_date",
        Said(_("Open, won and lost ones, but for those of restricted %(many)s that the reader does not see.")),
        measures=(
            Measure("value", _("Value"), "value_firm", Result.MONEY, unrated=Q(value__isnull=False) & NO_RATE),
            Measure(
                "weighted", _("Weighted value"), "weighted_firm", Result.MONEY, unrated=Q(value__isnull=False) & NO_RATE
            ),
            Measure("probability", _("Probability"), "probability"),
            Measure("expected_close", _("Expected close"), "expected_close", Result.DATE),
            Measure("closed", _("Closed"), "closed_at", Result.DATE, is_moment=True),
        ),
        conditions=(
            *by_choice("state", _("State"), OpportunityState.choices),
            *by_choice("kind", _("Kind"), OpportunityKind.choices),
            WITHOUT_RATE,
        ),
        order=40,
    )
)
sources.register(
    Source(
        "invoices",
        "client",
        _("Invoices"),
        lambda principal: Invoice.objects.visible_to(principal).kept().filter(voided_at__isnull=True),
        "invoice_date",
        Said(
            _(
                "Invoices and credit notes, but for void ones and those of restricted %(many)s that the reader does not see."
            )
        ),
        measures=(
            Measure("net", _("Net"), "net_firm", Result.MONEY, unrated=NO_RATE),
            Measure("gross", _("Gross"), "gross_firm", Result.MONEY, unrated=NO_RATE),
            Measure("open", _("Open amount"), "open_firm", Result.MONEY, unrated=NO_RATE),
            Measure("due_date", _("Due date"), "due_date", Result.DATE),
            Measure("invoice_date", _("Invoice date"), "invoice_date", Result.DATE),
        ),
        conditions=(
            Condition("status=unpaid", _("Unpaid"), lambda asked: UNPAID),
            Condition("status=overdue", _("Overdue"), lambda asked: UNPAID & Q(due_date__lt=asked.today)),
            Condition("status=paid", _("Paid"), lambda asked: ~UNPAID),
            WITHOUT_RATE,
        ),
        order=50,
    )
)
sources.register(
    Source(
        "engagements",
        "client",
        MANY,
        lambda principal: Engagement.objects.visible_to(principal).kept(),
        "opened_date",
        _("In any state, if the reader sees them. Archived ones do not count."),
        measures=(
            Measure("opened_date", _("Opened"), "opened_date", Result.DATE),
            Measure("closed_date", _("Closed"), "closed_date", Result.DATE),
        ),
        conditions=(
            Condition("now=current", _("Not closed"), lambda asked: Q(state__in=ENGAGEMENT.current)),
            *by_choice("state", _("State"), EngagementState.choices),
        ),
        order=60,
        is_used=is_on,
    )
)
sources.register(
    Source(
        "documents",
        "client",
        _("Documents"),
        lambda principal: Document.objects.visible_to(principal).kept(),
        "uploaded_at",
        Said(_("Each document once, not each version, without those of %(many)s that the reader does not see.")),
        is_moment=True,
        measures=(
            Measure("uploaded", _("Uploaded"), "uploaded_at", Result.DATE, is_moment=True),
            Measure("expiry_date", _("Expires on"), "expiry_date", Result.DATE),
        ),
        conditions=tuple(by_choice("kind", _("Kind"), DocumentKind.choices)),
        order=70,
    )
)
sources.register(
    Source(
        "subsidiaries",
        "client",
        _("Subsidiaries"),
        lambda principal: Client.objects.visible_to(principal).kept(),
        "created_at",
        _("The clients whose parent it is, one level down, that the reader sees."),
        is_moment=True,
        path="parent",
        measures=(Measure("revenue_12m", _("Revenue, 12 months"), "facts__revenue_12m", Result.MONEY),),
        order=80,
    )
)
sources.register(
    Source(
        "referred",
        "client",
        _("Referrals made"),
        lambda principal: Referral.objects.visible_to(principal).counted(),
        "date",
        _("The clients that this client referred to the firm, as far as the reader sees them."),
        path="by_client",
        measures=(Measure("date", _("Referred on"), "date", Result.DATE),),
        order=90,
    )
)
