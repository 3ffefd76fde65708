from functools import partial

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeBoundary, RangeOperators
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from clients.catalogue.models import Tag
from clients.gate import visible_q
from clients.records.choices import (
    ACTIVE_STATUSES,
    Channel,
    ClientKind,
    LeavingReason,
    OnboardingState,
    Relationship,
    Status,
    Tier,
)
from crm.core.base.archiving import Archivable, ArchivableQuerySet
from crm.core.base.dates import local_date
from crm.core.base.models import Customised, DateRange, Folded, Versioned, tracked, tracked_aside
from crm.core.base.places import country_name
from crm.core.base.zones import validate_zone
from crm.core.firm.queries import get_firm
from crm.core.users.models import Team, User


def is_quiet(today) -> Q:
    """Clients whose contact is overdue on the firm's day: the one definition of "going quiet"."""
    return Q(facts__contact_due_at__lt=today)


class Domain(Func):
    """acme.example of https://www.acme.example/about, as `domain_of` in `queries.py`; immutable, so that an index may hold it."""

    template = "substring(lower(%(expressions)s) from '^\\s*(?:[a-z][a-z0-9+.-]*:)?(?://)?(?:www\\.)?([^/?#:\\s]+\\.[^/?#:\\s]+)')"
    output_field = models.TextField()


class ClientQuerySet(ArchivableQuerySet):
    def visible_to(self, principal):
        """The gate. Includes archived clients; lists exclude them with `kept()`."""
        return self.filter(visible_q(principal))

    def history_visible_to(self, principal):
        """The versions that were visible to the principal: what was written while the client was restricted stays with its account
        manager and the colleagues named on it.
        """
        events = Client.pgh_event_model.objects.all()  # type: ignore[attr-defined]
        if principal.is_system:
            return events
        if not principal.is_user:
            return events.none()
        named = ClientAccess.objects.filter(user=principal.viewer).values("client")
        open_to = models.Q(is_restricted=False) | models.Q(owner=principal.viewer)
        return events.filter(open_to | models.Q(pgh_obj_id__in=named))

    def with_parent_seen(self, principal):
        """Annotate `is_parent_seen`: whether the principal may see the client's parent. A parent they may not see is
        never shown.
        """
        parents = Client.objects.visible_to(principal).filter(pk=models.OuterRef("parent_id"))
        return self.annotate(is_parent_seen=models.Exists(parents))

    def quiet(self, today):
        """Clients going quiet on the firm's day."""
        return self.filter(is_quiet(today))

    def ongoing(self):
        """Clients without one-off customers, as counted in retention."""
        return self.filter(relationship=Relationship.CLIENT)

    def active_at(self, day):
        """Clients active (or at notice) on a date."""
        return self.with_status_at(day, ACTIVE_STATUSES)

    def with_status_at(self, day, statuses):
        periods = StatusPeriod.objects.covering(day).filter(status__in=statuses)
        return self.filter(pk__in=periods.values("client_id"))


@tracked
class Client(Archivable, Customised, Versioned):
    """A client of the firm: an organisation or a person, an ongoing client or a one-off customer."""

    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(_("kind"), max_length=12, choices=ClientKind, default=ClientKind.ORGANISATION)
    relationship = models.CharField(_("relationship"), max_length=10, choices=Relationship, default=Relationship.CLIENT)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("part of")
    )
    owner = models.ForeignKey(User, models.PROTECT, related_name="owned_clients", verbose_name=_("account manager"))
    team = models.ForeignKey(
        Team, models.PROTECT, null=True, blank=True, related_name="clients", verbose_name=_("team")
    )
    tags = models.ManyToManyField(Tag, blank=True, related_name="clients", verbose_name=_("tags"))
    tier = models.CharField(_("tier"), max_length=1, choices=Tier, blank=True)
    industry = models.CharField(_("industry"), max_length=100, blank=True)
    source = models.CharField(_("source"), max_length=100, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True, validators=[validate_zone])
    language = models.CharField(_("language"), max_length=10, blank=True)
    preferred_channel = models.CharField(_("preferred channel"), max_length=10, choices=Channel, blank=True)
    salutation = models.CharField(_("salutation"), max_length=120, blank=True)
    website = models.CharField(_("website"), max_length=255, blank=True)
    email = models.EmailField(_("email"), max_length=254, blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    phone_digits = models.CharField(max_length=20, blank=True, editable=False)
    street = models.CharField(_("street"), max_length=255, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=20, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    region = models.CharField(_("region"), max_length=100, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True, validators=[RegexValidator("^[A-Z]{2}$")])
    goals = models.TextField(_("goals"), blank=True)
    expectations = models.TextField(_("expectations"), blank=True)
    notes = models.TextField(_("background"), blank=True)
    is_restricted = models.BooleanField(_("restricted"), default=False)
    is_demo = models.BooleanField(default=False, editable=False)
    archived_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", editable=False)
    name_key = models.GeneratedField(expression=Folded(F("name")), output_field=models.TextField(), db_persist=True)
    search_key = models.GeneratedField(
        expression=Folded(
            F("name"),
            Value(" "),
            F("city"),
            Value(" "),
            F("website"),
            Value(" "),
            F("email"),
            Value(" "),
            F("phone_digits"),
            arg_joiner=" || ",
        ),
        output_field=models.TextField(),
        db_persist=True,
    )

    objects = ClientQuerySet.as_manager()

    class Meta:
        verbose_name = _("client")
        constraints = [
            models.CheckConstraint(
                condition=~Q(name=""), name="client_name_given", violation_error_message=_("Enter a client name.")
            ),
            models.CheckConstraint(condition=~Q(parent=F("id")), name="client_not_own_parent"),
        ]
        indexes = [
            models.Index(F("name_key"), F("id"), name="client_by_name", condition=Q(archived_at__isnull=True)),
            models.Index(
                fields=["owner", "name_key", "id"], name="client_by_owner", condition=Q(archived_at__isnull=True)
            ),
            models.Index(
                fields=["team", "name_key", "id"], name="client_by_team", condition=Q(archived_at__isnull=True)
            ),
            models.Index(
                fields=["-created_at", "-id"], name="client_by_created", condition=Q(archived_at__isnull=True)
            ),
            models.Index(  # what the gate asks: counting 10,000 clients reads it alone
                fields=["id"],
                include=["is_restricted", "owner"],
                name="client_seen",
                condition=Q(archived_at__isnull=True),
            ),
            models.Index(fields=["tier", "id"], name="client_by_tier", condition=Q(archived_at__isnull=True)),
            models.Index(fields=["archived_at"], name="client_trash", condition=Q(archived_at__isnull=False)),
            GinIndex(OpClass(F("search_key"), name="gin_trgm_ops"), name="client_search"),
            models.Index(Lower("email"), name="client_email", condition=~Q(email="")),
            models.Index(Domain(F("website")), name="client_domain", condition=~Q(website="")),
            models.Index(fields=["phone_digits"], name="client_phone", condition=~Q(phone_digits="")),
        ]

    def __str__(self):
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("clients:client", kwargs={"client_id": self.pk})

    @property
    def website_url(self) -> str:
        """The website as a safe URL for a browser, else ""."""
        site = self.website if "://" in self.website else f"https://{self.website}"
        return site if self.website and site.lower().startswith(("https://", "http://")) and " " not in site else ""

    @property
    def address_lines(self) -> list[str]:
        place = f"{self.postal_code} {self.city}".strip()
        return [line for line in (self.street, place, self.region, country_name(self.country)) if line]


@tracked_aside
class ClientTag(Client.tags.through):  # type: ignore[name-defined,misc]
    """A tag of a client."""

    class Meta:
        proxy = True


class StatusPeriodQuerySet(models.QuerySet):
    def visible_to(self, principal):
        return self.filter(visible_q(principal, "client__"))

    def covering(self, day):
        return self.filter(start_date__lte=day).filter(Q(end_date__isnull=True) | Q(end_date__gt=day))


@tracked
class StatusPeriod(models.Model):
    """The client's status from `start_date` up to, not including, `end_date` (None: until further notice).

    The periods of a client follow one another without gap or overlap: an exclusion constraint forbids overlaps, a
    deferred trigger gaps. Dates are the firm's.
    """

    client = models.ForeignKey(Client, models.CASCADE, related_name="status_periods")
    status = models.CharField(_("status"), max_length=10, choices=Status)
    start_date = models.DateField(_("from"))
    end_date = models.DateField(_("until"), null=True, blank=True)
    reason = models.CharField(_("reason for leaving"), max_length=20, choices=LeavingReason, blank=True)
    note = models.TextField(_("in their words"), blank=True)
    is_start_unknown = models.BooleanField(
        default=False, db_default=False, help_text="imported without a day: the period began on or before `start_date`"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = StatusPeriodQuerySet.as_manager()

    class Meta:
        ordering = ["start_date"]
        constraints = [
            models.CheckConstraint(
                condition=Q(end_date__isnull=True) | Q(end_date__gt=F("start_date")), name="status_period_not_empty"
            ),
            ExclusionConstraint(
                name="status_period_no_overlap",
                expressions=[
                    (
                        "client",
                        RangeOperators.EQUAL,
                    ),  # first, so that the index narrows to one client before comparing dates
                    (DateRange("start_date", "end_date", RangeBoundary()), RangeOperators.OVERLAPS),
                ],
                deferrable=models.Deferrable.DEFERRED,
            ),
        ]
        indexes = [
            models.Index(fields=["client", "start_date"], name="status_period_client", include=["end_date", "status"]),
            models.Index(fields=["start_date"], name="status_period_start"),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="status_period_no_gap",
                level=pgtrigger.Row,
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                timing=pgtrigger.Deferred,
                declare=[("owner_id", "bigint")],
                func="""
                    owner_id := CASE WHEN TG_OP = 'DELETE' THEN OLD.client_id ELSE NEW.client_id END;
                    IF EXISTS (
                        SELECT FROM (
                            SELECT end_date, lead(start_date) OVER (ORDER BY start_date) AS next_start
                            FROM clients_statusperiod WHERE client_id = owner_id
                        ) AS p WHERE p.next_start IS NOT NULL AND p.end_date IS DISTINCT FROM p.next_start
                    ) THEN
                        RAISE EXCEPTION 'status periods of client % leave a gap', owner_id USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
            )
        ]


class ClientFactsQuerySet(models.QuerySet):
    def visible_to(self, principal):
        return self.filter(visible_q(principal, "client__"))


class ClientFacts(models.Model):
    """Derived facts of a client that lists sort and filter by. The app that owns a fact writes it with `set_facts`, in the
    causing transaction; `manage.py rebuild_facts` recomputes them. A fact never holds text of a row that has its own
    visibility.
    """

    client = models.OneToOneField(Client, models.CASCADE, primary_key=True, related_name="facts")
    status = models.CharField(max_length=10, choices=Status, default=Status.PROSPECT)
    status_since = models.DateField(null=True)
    active_since = models.DateField(null=True, help_text="start of the present unbroken time as active or at notice")
    last_contact_at = models.DateTimeField(
        null=True, help_text="last interaction that was a contact; notes do not count"
    )
    last_contact_channel = models.CharField(max_length=10, blank=True)
    contact_due_at = models.DateField(
        null=True, help_text="the firm's day by which they should hear from us; none for clients not served at present"
    )
    next_step_at = models.DateTimeField(null=True)
    next_step_id = models.BigIntegerField(null=True)
    open_follow_ups = models.PositiveIntegerField(default=0)
    health_score = models.PositiveSmallIntegerField(null=True)
    nps_score = models.PositiveSmallIntegerField(null=True, help_text="latest answer, 0–10")
    nps_at = models.DateTimeField(null=True)
    revenue_12m = models.DecimalField(
        max_digits=16, decimal_places=2, default=0, help_text="booked in the last twelve months, firm's currency"
    )
    unrated_12m = models.PositiveIntegerField(
        default=0,
        db_default=0,
        help_text="revenue lines of these twelve months that have no rate and are not in the sum",
    )
    onboarding_state = models.CharField(max_length=10, choices=OnboardingState, blank=True)
    onboarding_done = models.PositiveSmallIntegerField(default=0)
    onboarding_total = models.PositiveSmallIntegerField(default=0)

    objects = ClientFactsQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["status", "client"], name="facts_status"),
            models.Index(fields=["next_step_at", "client"], name="facts_next_step"),
            models.Index(fields=["last_contact_at", "client"], name="facts_last_contact"),
            models.Index(F("last_contact_at").desc(nulls_last=True), F("client").desc(), name="facts_recent"),
            models.Index(fields=["contact_due_at", "client"], name="facts_contact_due"),
            models.Index(fields=["revenue_12m", "client"], name="facts_revenue"),
            models.Index(fields=["nps_score", "client"], name="facts_nps"),
            models.Index(
                fields=["onboarding_state", "client"], name="facts_onboarding", condition=~Q(onboarding_state="")
            ),
        ]

    def is_quiet(self, today) -> bool:
        return self.contact_due_at is not None and self.contact_due_at < today

    def days_since_contact(self, today) -> int | None:
        """Days since the last contact, None without one. Counted in the firm's calendar, like the due day, so that
        every reader sees the same number.
        """
        if self.last_contact_at is None:
            return None
        return (today - local_date(self.last_contact_at, get_firm().time_zone)).days


@tracked
class ClientAccess(models.Model):
    """A colleague named to see a client, restricted or not."""

    client = models.ForeignKey(Client, models.CASCADE, related_name="accesses")
    user = models.ForeignKey(User, models.CASCADE, related_name="client_accesses")
    granted_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    reason = models.CharField(_("why"), max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["client", "user"], name="client_access_once")]


@partial(tracked_aside, indexes=[models.Index(fields=["kind", "object_id"], name="external_id_event_object")])
class ExternalId(models.Model):
    """A row's id in another system: imports and the API match by it first."""

    system = models.CharField(max_length=60, help_text="such as salesforce, chinook, csv")
    kind = models.CharField(max_length=30, help_text="client, contact, contract, revenue, interaction, survey_response")
    value = models.CharField(max_length=200)
    object_id = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["system", "kind", "value"], name="external_id_unique"),
            models.CheckConstraint(condition=~Q(value=""), name="external_id_given"),
        ]
        indexes = [
            models.Index(fields=["kind", "object_id"], name="external_id_object"),
            models.Index(fields=["value"], name="external_id_contract", condition=Q(kind="contract")),
        ]
