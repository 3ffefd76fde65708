from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat, Lower
from django.db.models.lookups import StartsWith
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from clients.checks import CURRENCY
from clients.contacts.models import Contact
from clients.engagements.choices import ENGAGEMENT, EngagementState, PartyRole
from clients.gate import visible_q
from clients.records.models import Client
from crm.core.base.archiving import Archivable, ArchivableQuerySet
from crm.core.base.models import Customised, Folded, Versioned, tracked, tracked_aside
from crm.core.users.models import User


class EngagementKindQuerySet(ArchivableQuerySet):
    def visible_to(self, principal):
        """The kinds concern no client: every colleague reads them."""
        return self if principal.is_system or principal.is_user else self.none()


@tracked
class EngagementKind(Archivable, Versioned):
    """A kind of engagement that the firm takes on. Admins set them up."""

    name = models.CharField(_("name"), max_length=80)

    objects = EngagementKindQuerySet.as_manager()

    class Meta:
        verbose_name = _("kind of engagement")
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="engagement_kind_unique",
                violation_error_message=_("A kind with this name already exists."),
            )
        ]

    def __str__(self):
        return self.name


class EngagementQuerySet(ArchivableQuerySet):
    def visible_to(self, principal):
        """The client's gate, and its own: only the lead and the team see a restricted one."""
        return self.filter(visible_q(principal, "client__")).filter(_in_sight(principal))

    def history_visible_to(self, principal):
        """The versions that were visible to the principal: what was written while it was restricted stays with its lead and team."""
        return self.model.pgh_event_model.objects.filter(_in_sight(principal, "pgh_obj_id"))

    def in_use(self):
        """Neither archived themselves nor of an archived client."""
        return self.kept().filter(client__archived_at__isnull=True)

    def current(self):
        """Not closed."""
        return self.filter(state__in=ENGAGEMENT.current)


@tracked
class Engagement(Archivable, Customised, Versioned):
    """A piece of work that the firm does for a client, which the firm may call a matter, mandate, job or project. What is logged, planned
    or filed for a client may name one. `is_restricted` tightens the client's gate to its lead and team; it never loosens it."""

    client = models.ForeignKey(Client, models.CASCADE, related_name="engagements", verbose_name=_("client"))
    number = models.CharField(_("number"), max_length=40)
    title = models.CharField(_("title"), max_length=160)
    kind = models.ForeignKey(
        EngagementKind, models.PROTECT, null=True, blank=True, related_name="engagements", verbose_name=_("kind")
    )
    state = models.CharField(_("state"), max_length=8, choices=EngagementState, default=EngagementState.OPEN)
    lead = models.ForeignKey(User, models.PROTECT, related_name="led_engagements", verbose_name=_("lead"))
    team = models.ManyToManyField(
        User, through="EngagementTeam", blank=True, related_name="team_engagements", verbose_name=_("team")
    )
    opened_date = models.DateField(_("opened"), null=True, blank=True)
    closed_date = models.DateField(_("closed"), null=True, blank=True)
    budget = models.DecimalField(
        _("budget"), max_digits=14, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    currency = models.CharField(_("currency"), max_length=3, validators=[CURRENCY])
    description = models.TextField(_("notes"), blank=True)
    is_restricted = models.BooleanField(_("restricted"), default=False)
    is_demo = models.BooleanField(default=False, editable=False)
    search_key = models.GeneratedField(
        expression=Folded(F("number"), Value(" "), F("title"), arg_joiner=" || "),
        output_field=models.TextField(),
        db_persist=True,
    )

    objects = EngagementQuerySet.as_manager()

    class Meta:
        verbose_name = _("engagement")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(title=""), name="engagement_title_given", violation_error_message=_("Enter a title.")
            ),
            models.CheckConstraint(
                condition=~Q(number=""), name="engagement_number_given", violation_error_message=_("Enter a number.")
            ),
            models.UniqueConstraint(
                Lower("number"),
                name="engagement_number_unique",
                violation_error_message=_("This number is already in use."),
            ),
            models.CheckConstraint(condition=Q(budget__gte=0), name="engagement_budget_not_negative"),
            models.CheckConstraint(
                condition=Q(state="closed", closed_date__isnull=False)
                | ~Q(state="closed") & Q(closed_date__isnull=True),
                name="engagement_closed_date",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["open", "closing"]) | Q(opened_date__isnull=False),
                name="engagement_open_says_since",
                violation_error_message=_("Say when it was opened."),
            ),
            models.CheckConstraint(
                condition=Q(closed_date__isnull=True)
                | Q(opened_date__isnull=True)
                | Q(closed_date__gte=F("opened_date")),
                name="engagement_closed_after_opened",
                violation_error_message=_("It cannot be closed before it was opened."),
            ),
        ]
        indexes = [
            models.Index(fields=["client", "state"], name="engagement_client"),
            models.Index(
                fields=["lead", "-created_at", "-id"],
                name="engagement_lead_current",
                condition=~Q(state="closed") & Q(archived_at__isnull=True),
            ),
            models.Index(
                fields=["-created_at", "-id"],
                name="engagement_current",
                condition=~Q(state="closed") & Q(archived_at__isnull=True),
            ),
            models.Index(
                fields=["-created_at", "-id"], name="engagement_newest", condition=Q(archived_at__isnull=True)
            ),
            models.Index(fields=["opened_date", "id"], name="engagement_opened"),
            models.Index(fields=["id"], name="engagement_restricted", condition=Q(is_restricted=True)),
            models.Index(OpClass(F("number"), name="varchar_pattern_ops"), name="engagement_numbers"),
            GinIndex(OpClass(F("search_key"), name="gin_trgm_ops"), name="engagement_search"),
        ]

    def __str__(self):
        return f"{self.number} · {self.title}"

    @property
    def name(self) -> str:
        """As filters and chips call it."""
        return str(self)

    def get_absolute_url(self) -> str:
        return reverse("clients:engagement", kwargs={"pk": self.pk})

    @property
    def is_current(self) -> bool:
        return self.state in ENGAGEMENT.current

    def team_shown(self) -> list[User]:
        """The team besides the lead."""
        return [user for user in self.team.all() if user.pk != self.lead_id]


def _seats(user):
    return user.engagement_seats.values("engagement_id")


def _in_sight(principal, key: str = "pk") -> Q:
    """Those that are not restricted, and those that the principal leads or works on. `key`: their id, in the history too."""
    if principal.is_system:
        return Q()
    if not principal.is_user:
        return Q(pk__in=[])
    user = principal.viewer
    return Q(is_restricted=False) | Q(lead=user) | Q(**{f"{key}__in": _seats(user)})


def engagement_key(related_name: str) -> models.ForeignKey:
    """The column by which a row may name its engagement. Its model declares the index, as its lists need it."""
    return models.ForeignKey(
        Engagement,
        models.RESTRICT,
        null=True,
        blank=True,
        db_index=False,
        related_name=related_name,
        verbose_name=_("engagement"),
    )


def no_link_to(hidden: models.QuerySet, path: str) -> Q:
    """Of notifications: those that lead to none of these rows, whose pages are at path and id."""
    url = Concat(Value(path), Cast("pk", models.CharField()), Value("/"))
    return ~Q(url__in=hidden.order_by().annotate(address=url).values("address"))


def no_key_of(hidden: models.QuerySet, prefix: str) -> Q:
    """Of notifications: those whose key, made of the prefix, the id of a row and more, is of none of these rows."""
    start = Concat(Value(prefix), Cast("pk", models.CharField()), Value(":"))
    return Q(~Exists(hidden.filter(StartsWith(OuterRef("key"), start))))


def named_q(principal, path: str = "engagement") -> Q:
    """The condition under which the principal may see a row that names an engagement, reached through `path`, or none: part of the
    gate of every such model, beside that of the client.

    The restricted engagements that are out of sight are few: they are read once for a statement, and only when a row
    names one."""
    if principal.is_system:
        return Q()
    hidden = Engagement.objects.filter(is_restricted=True).order_by()
    if principal.is_user:
        user = principal.viewer
        hidden = hidden.exclude(lead=user).exclude(pk__in=_seats(user))
    return ~Q(**{f"{path}__in": hidden.values("pk")})


def open_to_all_q(path: str = "engagement") -> Q:
    """Rows that everyone who sees the client sees: facts and emails to the client are made of these alone."""
    return ~Q(**{f"{path}__in": Engagement.objects.filter(is_restricted=True).order_by().values("pk")})


class NamesEngagement(models.QuerySet):
    """Rows that may name an engagement. A version that named one stays as hidden as that one is."""

    def history_visible_to(self, principal):
        return self.model.pgh_event_model.objects.filter(named_q(principal))  # type: ignore[attr-defined]


class OfEngagementQuerySet(models.QuerySet):
    def visible_to(self, principal):
        return self.filter(visible_q(principal, "engagement__client__")).filter(named_q(principal))


@tracked
class EngagementTeam(models.Model):
    """A colleague who works on an engagement besides its lead. One of the team who takes the lead keeps the place, which shows again once
    somebody else leads it."""

    engagement = models.ForeignKey(Engagement, models.CASCADE, related_name="seats")
    user = models.ForeignKey(User, models.CASCADE, related_name="engagement_seats", verbose_name=_("colleague"))
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OfEngagementQuerySet.as_manager()

    class Meta:
        verbose_name = _("member of an engagement’s team")
        ordering = ["user__name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["engagement", "user"],
                name="engagement_seat_once",
                violation_error_message=_("This colleague is already on the team."),
            )
        ]

    def __str__(self):
        return f"{self.engagement} · {self.user}"


@tracked
class EngagementParty(Versioned):
    """Who has to do with an engagement, and in which role: a contact of the client, or somebody outside by name."""

    engagement = models.ForeignKey(Engagement, models.CASCADE, related_name="parties")
    role = models.CharField(_("role"), max_length=12, choices=PartyRole, default=PartyRole.CLIENT)
    contact = models.ForeignKey(
        Contact, models.PROTECT, null=True, blank=True, related_name="engagement_parties", verbose_name=_("contact")
    )
    outside_name = models.CharField(_("name"), max_length=200, blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    search_key = models.GeneratedField(
        expression=Folded(F("outside_name")), output_field=models.TextField(), db_persist=True
    )

    objects = OfEngagementQuerySet.as_manager()

    class Meta:
        verbose_name = _("party of an engagement")
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(contact__isnull=False, outside_name="") | Q(contact__isnull=True) & ~Q(outside_name=""),
                name="engagement_party_is_one",
                violation_error_message=_("Choose a contact, or enter a name."),
            ),
            models.UniqueConstraint(
                fields=["engagement", "role", "contact"],
                name="engagement_party_once",
                condition=Q(contact__isnull=False),
                violation_error_message=_("This contact already has this role."),
            ),
        ]
        indexes = [GinIndex(OpClass(F("search_key"), name="gin_trgm_ops"), name="engagement_party_search")]

    def __str__(self):
        return self.outside_name or (self.contact.name if self.contact else "")


@tracked_aside
class EngagementStateChange(models.Model):
    """A time that an engagement spent in a state, over [entered_at, left_at)."""

    engagement = models.ForeignKey(Engagement, models.CASCADE, related_name="state_changes")
    state = models.CharField(max_length=8, choices=EngagementState)
    entered_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True)
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    objects = OfEngagementQuerySet.as_manager()

    class Meta:
        ordering = ["entered_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["engagement"], name="engagement_in_one_state", condition=Q(left_at__isnull=True)
            ),
            models.CheckConstraint(
                condition=Q(left_at__isnull=True) | Q(left_at__gte=F("entered_at")),
                name="engagement_state_left_after",
            ),
        ]
