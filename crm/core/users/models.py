from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from crm.core.base.archiving import Archivable, ArchivableQuerySet
from crm.core.base.models import Versioned, tracked
from crm.core.base.zones import validate_zone
from crm.core.users.choices import Reminders, Role, Theme


class UserQuerySet(models.QuerySet):
    def active(self):
        return self.filter(is_active=True)

    def with_role(self, role: str):
        return self.filter(roles__contains=[role])


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    def get_by_natural_key(self, email):
        return self.get(email__iexact=email)


def validate_roles(roles):
    if unknown := set(roles) - set(Role.values):
        raise ValidationError(_("Unknown role: %(roles)s"), params={"roles": ", ".join(sorted(unknown))})


@tracked
class User(AbstractBaseUser, Versioned):
    """A colleague. Signs in by email, may hold several roles. Disabled, never deleted."""

    email = models.EmailField(_("email"), max_length=254)
    name = models.CharField(_("name"), max_length=120)
    title = models.CharField(_("job title"), max_length=120, blank=True)
    roles = ArrayField(
        models.CharField(max_length=20, choices=Role),
        verbose_name=_("roles"),
        default=list,
        blank=True,
        validators=[validate_roles],
    )
    is_active = models.BooleanField(_("can sign in"), default=True)
    is_demo = models.BooleanField(default=False, editable=False)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True, validators=[validate_zone])
    theme = models.CharField(_("theme"), max_length=10, choices=Theme, default=Theme.SYSTEM)
    has_shortcuts = models.BooleanField(_("keyboard shortcuts"), default=True)
    reminders = models.CharField(
        _("follow-up reminders"), max_length=6, choices=Reminders, default=Reminders.EACH, db_default=Reminders.EACH
    )
    digest_hour = models.PositiveSmallIntegerField(
        _("morning email at"),
        default=8,
        db_default=8,
        validators=[MaxValueValidator(23)],
        help_text=_("In your time zone."),
    )
    disabled_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = UserManager()
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        verbose_name = _("user")
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_unique",
                violation_error_message=_("This email address is already taken."),
            ),
            models.CheckConstraint(condition=~models.Q(name=""), name="user_name_given"),
        ]
        indexes = [GinIndex(fields=["roles"], name="user_roles")]
        ordering = ["name", "id"]

    def __str__(self):
        return self.name

    def get_full_name(self):
        return self.name

    @property
    def is_admin(self) -> bool:
        return Role.ADMIN in self.roles

    @property
    def is_manager(self) -> bool:
        return Role.MANAGER in self.roles

    @property
    def is_account_manager(self) -> bool:
        return Role.ACCOUNT_MANAGER in self.roles

    @property
    def role_labels(self) -> list[str]:
        return [str(Role(role).label) for role in self.roles]

    @property
    def sees_all(self) -> bool:
        """Sees every client that is not restricted, whatever the firm lets account managers see."""
        return self.is_manager or self.is_admin


@tracked
class Team(Archivable, Versioned):
    name = models.CharField(_("name"), max_length=80)
    lead = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="led_teams", verbose_name=_("lead")
    )
    members = models.ManyToManyField(User, through="TeamMembership", related_name="teams", verbose_name=_("members"))

    objects = ArchivableQuerySet.as_manager()

    class Meta:
        verbose_name = _("team")
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="team_name_unique",
                violation_error_message=_("A team with this name already exists."),
            )
        ]
        ordering = ["name", "id"]

    def __str__(self):
        return self.name


@tracked
class TeamMembership(models.Model):
    team = models.ForeignKey(Team, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="team_member_once")]


@tracked
class Invitation(models.Model):
    """An invitation by mail to join. Only a hash of the link's token is kept; accepted once, revocable, expiring."""

    email = models.EmailField(_("email"), max_length=254)
    name = models.CharField(_("name"), max_length=120, blank=True)
    roles = ArrayField(
        models.CharField(max_length=20, choices=Role), verbose_name=_("roles"), validators=[validate_roles]
    )
    team = models.ForeignKey(Team, models.SET_NULL, null=True, blank=True, verbose_name=_("team"))
    salt = models.CharField(max_length=43, editable=False)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    user = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["-created_at"]


@tracked
class ApiToken(models.Model):
    """A user's token for the API. Shown once; only its SHA-256 is kept."""

    user = models.ForeignKey(User, models.CASCADE, related_name="api_tokens")
    name = models.CharField(_("name"), max_length=80)
    prefix = models.CharField(max_length=12, editable=False)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    is_read_only = models.BooleanField(_("read-only"), default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
