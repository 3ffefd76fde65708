from datetime import timedelta
from decimal import Decimal

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from clients.catalogue.models import Service
from clients.checks import CURRENCY
from clients.currencies.models import in_firms_currency, rate_column
from clients.engagements.models import NamesEngagement, engagement_key, named_q
from clients.gate import visible_q
from clients.opportunities.choices import LostReason, OpportunityKind, OpportunityState
from clients.records.models import Client
from clients.revenue.models import ClientRowQuerySet, Contract
from crm.core.base.archiving import Archivable, ArchivableQuerySet
from crm.core.base.models import Customised, Folded, Versioned, tracked, tracked_aside
from crm.core.users.models import User

PERCENT = [MinValueValidator(0), MaxValueValidator(100)]


class PipelineQuerySet(ArchivableQuerySet):
    def visible_to(self, principal):
        """How the firm sells concerns no client: every colleague reads it."""
        return self if principal.is_system or principal.is_user else self.none()


@tracked
class Pipeline(Archivable, Versioned):
    """A way of selling, as a row of stages. The first one is what new opportunities go to."""

    name = models.CharField(_("name"), max_length=80)
    position = models.PositiveSmallIntegerField(default=0, editable=False)

    objects = PipelineQuerySet.as_manager()

    class Meta:
        verbose_name = _("pipeline")
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="pipeline_name_unique",
                violation_error_message=_("A pipeline with this name already exists."),
            )
        ]

    def __str__(self):
        return self.name


@tracked
class Stage(Archivable, Versioned):
    """A stage of a pipeline. How an opportunity ended is no stage: it is the opportunity's state. One that was removed is archived, so
    that what passed through it keeps its name."""

    pipeline = models.ForeignKey(Pipeline, models.PROTECT, related_name="stages", verbose_name=_("pipeline"))
    name = models.CharField(_("name"), max_length=80)
    position = models.PositiveSmallIntegerField(_("position"), default=0, editable=False)
    probability = models.PositiveSmallIntegerField(_("probability, %"), default=50, validators=PERCENT)
    rotting_days = models.PositiveSmallIntegerField(
        _("rotting after, days"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(3650)]
    )

    objects = PipelineQuerySet.as_manager()

    class Meta:
        verbose_name = _("stage")
        ordering = ["pipeline", "position", "pk"]
        constraints = [
            models.UniqueConstraint(
                "pipeline",
                Lower("name"),
                name="stage_name_unique",
                condition=Q(archived_at__isnull=True),
                violation_error_message=_("This pipeline already has a stage with this name."),
            ),
            models.CheckConstraint(condition=Q(probability__lte=100), name="stage_probability_percent"),
        ]

    def __str__(self):
        return self.name


class OpportunityQuerySet(ArchivableQuerySet, ClientRowQuerySet, NamesEngagement):
    def visible_to(self, principal):
        return super().visible_to(principal).filter(named_q(principal))

    def history_visible_to(self, principal):
        """Of the renewal of a contract that was won out of the principal's sight not the versions with another title than it has now: they
        say that of what was won (`forget_won_titles`). A contract that replaces another counts as `ContractQuerySet` says."""
        hidden = self.model._default_manager.filter(made_contract__isnull=False).exclude(named_q(principal)).order_by()
        later = Exists(hidden.filter(client=OuterRef("client_id")))
        won = Exists(hidden.filter(made_contract=OuterRef("contract_id"))) | Q(contract__replaces__isnull=False) & later
        now = self.model._default_manager.filter(pk=OuterRef("pgh_obj_id"), title=OuterRef("title"))
        renewal = Q(renewal_date__isnull=False) & won & ~Exists(now)
        return super().history_visible_to(principal).exclude(renewal)

    def in_use(self):
        """Neither archived themselves nor of an archived client."""
        return self.kept().filter(client__archived_at__isnull=True)

    def open(self):
        return self.filter(state=OpportunityState.OPEN)

    def rotting(self, now):
        """Open ones that have been in their stage for longer than it allows. The stages are few and looked up first, so that the index
        on stage serves."""
        stages = Stage.objects.filter(rotting_days__isnull=False).values_list("pk", "rotting_days")
        late = Q(pk__in=[])
        for pk, days in stages:
            late |= Q(stage=pk, stage_since__lt=now - timedelta(days=days))
        return self.open().filter(late)

    def unpriced(self):
        """Whose value is in no sum: it is not known, or in a foreign currency without a rate."""
        return self.filter(value_firm__isnull=True)


@tracked
class Opportunity(Archivable, Customised, Versioned):
    """Something that a client may buy. `value` is what it brings in its first year, or once; `value_firm` and `weighted_firm` (× the
    probability) are in the firm's currency at the rate of `opened_date`, NULL without a value or a rate."""

    client = models.ForeignKey(Client, models.CASCADE, related_name="opportunities", verbose_name=_("client"))
    engagement = engagement_key("opportunities")
    title = models.CharField(_("title"), max_length=160)
    kind = models.CharField(_("kind"), max_length=10, choices=OpportunityKind, default=OpportunityKind.NEW)
    pipeline = models.ForeignKey(Pipeline, models.PROTECT, related_name="opportunities", verbose_name=_("pipeline"))
    stage = models.ForeignKey(Stage, models.PROTECT, related_name="opportunities", verbose_name=_("stage"))
    stage_since = models.DateTimeField(_("in the stage since"), editable=False)
    owner = models.ForeignKey(User, models.PROTECT, related_name="opportunities", verbose_name=_("owner"))
    value = models.DecimalField(
        _("value"), max_digits=14, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    currency = models.CharField(_("currency"), max_length=3, validators=[CURRENCY])
    rate = rate_column()
    probability = models.PositiveSmallIntegerField(_("probability, %"), validators=PERCENT)
    has_own_probability = models.BooleanField(default=False, editable=False)
    expected_close = models.DateField(_("expected close"))
    service = models.ForeignKey(
        Service, models.PROTECT, null=True, blank=True, related_name="opportunities", verbose_name=_("service")
    )
    contract = models.ForeignKey(
        Contract, models.SET_NULL, null=True, blank=True, related_name="opportunities", verbose_name=_("contract")
    )
    next_step = models.CharField(_("next step"), max_length=200, blank=True)
    description = models.TextField(_("notes"), blank=True)
    opened_date = models.DateField(_("opened"))
    renewal_date = models.DateField(_("renewal"), null=True, blank=True, editable=False)
    state = models.CharField(_("state"), max_length=5, choices=OpportunityState, default=OpportunityState.OPEN)
    reason = models.CharField(_("reason"), max_length=14, choices=LostReason, blank=True)
    outcome_note = models.CharField(_("what happened"), max_length=300, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True, editable=False)
    made_contract = models.ForeignKey(
        Contract, models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    value_firm = in_firms_currency(F("value") * F("rate"))
    weighted_firm = in_firms_currency(F("value") * F("rate") * F("probability") / Decimal(100))
    search_key = models.GeneratedField(expression=Folded(F("title")), output_field=models.TextField(), db_persist=True)

    rate_day = "opened_date"  # the day whose rate applies
    objects = OpportunityQuerySet.as_manager()

    class Meta:
        verbose_name = _("opportunity")
        verbose_name_plural = _("opportunities")
        ordering = ["expected_close", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(title=""), name="opportunity_title_given", violation_error_message=_("Enter a title.")
            ),
            models.CheckConstraint(condition=Q(value__gte=0), name="opportunity_value_not_negative"),
            models.CheckConstraint(condition=Q(rate__gt=0), name="opportunity_rate_positive"),
            models.CheckConstraint(condition=Q(probability__lte=100), name="opportunity_probability_percent"),
            models.CheckConstraint(
                condition=Q(state="open", closed_at__isnull=True) | ~Q(state="open") & Q(closed_at__isnull=False),
                name="opportunity_closed_at",
            ),
            models.CheckConstraint(condition=~Q(state="lost", reason=""), name="opportunity_lost_says_why"),
            models.UniqueConstraint(
                fields=["contract", "renewal_date"],
                name="opportunity_once_a_renewal",
                condition=Q(renewal_date__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                fields=["stage", "expected_close", "id"],
                name="opportunity_stage_open",
                condition=Q(state="open", archived_at__isnull=True),
            ),
            models.Index(
                fields=["owner", "expected_close", "id"],
                name="opportunity_owner_open",
                condition=Q(state="open", archived_at__isnull=True),
            ),
            models.Index(fields=["client", "state"], name="opportunity_client"),
            models.Index(fields=["engagement"], name="opportunity_engagement", condition=Q(engagement__isnull=False)),
            models.Index(fields=["expected_close", "id"], name="opportunity_expected"),
            models.Index(fields=["-closed_at", "-id"], name="opportunity_closed", condition=~Q(state="open")),
            models.Index(F("search_key"), F("id"), name="opportunity_title", condition=Q(archived_at__isnull=True)),
            GinIndex(OpClass(F("search_key"), name="gin_trgm_ops"), name="opportunity_search"),
        ]

    def __str__(self):
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("clients:opportunity", kwargs={"pk": self.pk})

    @property
    def is_open(self) -> bool:
        return self.state == OpportunityState.OPEN

    def days_in_stage(self, now) -> int:
        """Whole days; until it was closed for one that is over."""
        return max(0, ((self.closed_at or now) - self.stage_since).days)

    def is_rotting(self, now) -> bool:
        """Needs its stage loaded."""
        days = self.stage.rotting_days
        return self.is_open and days is not None and self.stage_since < now - timedelta(days=days)


class StageChangeQuerySet(models.QuerySet):
    def visible_to(self, principal):
        seen = named_q(principal, "opportunity__engagement")
        return self.filter(visible_q(principal, "opportunity__client__")).filter(seen)


@tracked_aside
class StageChange(models.Model):
    """A stay of an opportunity in a stage, over [entered_at, left_at). The last one ends when the opportunity is closed."""

    opportunity = models.ForeignKey(Opportunity, models.CASCADE, related_name="stage_changes")
    stage = models.ForeignKey(Stage, models.PROTECT, related_name="+")
    entered_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True)
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    objects = StageChangeQuerySet.as_manager()

    class Meta:
        ordering = ["entered_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["opportunity"], name="opportunity_in_one_stage", condition=Q(left_at__isnull=True)
            ),
            models.CheckConstraint(
                condition=Q(left_at__isnull=True) | Q(left_at__gte=F("entered_at")), name="stage_left_after_entered"
            ),
        ]

    def days(self, now) -> int:
        return max(0, ((self.left_at or now) - self.entered_at).days)
