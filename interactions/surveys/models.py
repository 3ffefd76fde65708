from datetime import time

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from clients.contacts.models import Contact
from clients.gate import visible_q
from clients.records import nps
from clients.records.choices import Status
from clients.records.models import Client
from clients.segments.models import Segment
from crm.core.base.archiving import Archivable, ArchivableQuerySet
from crm.core.base.models import Versioned, tracked
from crm.core.base.principals import Principal, by_link
from crm.core.mail.choices import MAIL_NEVER_LEFT
from crm.core.mail.models import OutboxMail
from crm.core.users.models import Team, User
from interactions.surveys.choices import Asked, InvitationSource, InvitationState, SurveyKind


@tracked
class Survey(Versioned):
    """A question with its scale, its mail and its pause."""

    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=4, choices=SurveyKind, default=SurveyKind.NPS)
    question = models.CharField(_("question"), max_length=300)
    scale_min = models.SmallIntegerField(default=0)
    scale_max = models.SmallIntegerField(default=10)
    mail_subject = models.CharField(
        _("subject"),
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text=_("Leave empty to use our wording in their language."),
    )
    mail_text = models.TextField(
        _("text above the question"),
        blank=True,
        default="",
        db_default="",
        help_text=_("Leave empty to use our wording in their language."),
    )
    pause_days = models.PositiveSmallIntegerField(
        _("days between surveys to one person"),
        default=90,
        db_default=90,
        validators=[MaxValueValidator(1000)],
        help_text=_("Applies across all surveys and senders."),
    )
    answer_days = models.PositiveSmallIntegerField(
        _("days the survey stays open"),
        default=21,
        db_default=21,
        validators=[MinValueValidator(1), MaxValueValidator(365)],
    )
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.CheckConstraint(condition=Q(scale_max__gt=F("scale_min")), name="survey_scale")]

    def __str__(self):
        return self.name


class SurveyResponseQuerySet(ArchivableQuerySet):
    def visible_to(self, principal):
        return self.filter(visible_q(principal, "client__"))

    def between(self, start, end):
        return self.filter(answered_at__gte=start, answered_at__lt=end)

    def nps(self):
        """Kept answers on the NPS scale."""
        return self.kept().filter(survey__kind=SurveyKind.NPS, scale_min=0, scale_max=10)


@tracked
class SurveyResponse(Versioned, Archivable):
    """An answer, with the scale it was given on."""

    survey = models.ForeignKey(Survey, models.PROTECT, related_name="responses", verbose_name=_("survey"))
    client = models.ForeignKey(Client, models.CASCADE, related_name="survey_responses")
    contact = models.ForeignKey(
        Contact, models.SET_NULL, null=True, blank=True, related_name="survey_responses", verbose_name=_("answered by")
    )
    score = models.SmallIntegerField(_("score"))
    scale_min = models.SmallIntegerField()
    scale_max = models.SmallIntegerField()
    comment = models.TextField(_("comment"), blank=True)
    answered_at = models.DateTimeField(_("answered"))
    entered_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    is_demo = models.BooleanField(default=False, editable=False)

    objects = SurveyResponseQuerySet.as_manager()

    class Meta:
        verbose_name = _("survey answer")
        ordering = ["-answered_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(score__gte=F("scale_min"), score__lte=F("scale_max")),
                name="survey_score_in_scale",
                violation_error_message=_("The score is outside the scale."),
            )
        ]
        indexes = [
            models.Index(fields=["survey", "answered_at"], name="survey_response_time"),
            models.Index(fields=["client", "-answered_at"], name="survey_response_client"),
            models.Index(
                fields=["-answered_at", "-id"], name="survey_response_recent", condition=Q(archived_at__isnull=True)
            ),
        ]

    @property
    def band(self) -> str:
        """ "" for an answer on another scale than 0 to 10."""
        return nps.band_of(self.score) if self.scale_max == 10 else ""


def active_only() -> list[str]:
    return [Status.ACTIVE]


@tracked
class SurveyRule(Versioned):
    """Asks every matching client once in each period of `every_months`, on a working day, at `send_time` in the client's zone.
    The clients' days are spread over the period by their id."""

    survey = models.OneToOneField(Survey, models.CASCADE, related_name="rule")
    is_active = models.BooleanField(_("send automatically"), default=False)
    every_months = models.PositiveSmallIntegerField(
        _("every (months)"), default=6, validators=[MinValueValidator(1), MaxValueValidator(36)]
    )
    send_time = models.TimeField(_("time (their time zone)"), default=time(10, 0))
    who = models.CharField(_("recipients"), max_length=4, choices=Asked, default=Asked.MAIN)
    statuses = ArrayField(
        models.CharField(max_length=10, choices=Status), verbose_name=_("status"), default=active_only
    )
    tiers = ArrayField(models.CharField(max_length=4), verbose_name=_("tier"), default=list, blank=True)
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("team"))
    owner = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("account manager")
    )
    segment = models.ForeignKey(
        Segment, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name=_("segment")
    )
    planned_until = models.DateField(
        null=True, blank=True, editable=False, help_text="the last day of the period whose clients are planned"
    )

    unsaid = ("planned_until",)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(every_months__gte=1, every_months__lte=36),
                name="survey_rule_months",
                violation_error_message=_("1 to 36 months."),
            )
        ]

    def client_filter(self) -> dict:
        """The values as the client list's filter takes them."""
        values = {"status": self.statuses, "tier": self.tiers, "team": self.team_id, "owner": self.owner_id}
        return {name: value for name, value in values.items() if value}


class SurveyInvitationQuerySet(models.QuerySet):
    def visible_to(self, principal):
        return self.filter(visible_q(principal, "client__"))

    def asked(self):
        """Those that count as asked: planned ones, and those whose email was sent or can still be sent."""
        mails = OutboxMail.objects.caused_by(SurveyInvitation).filter(cause_id=OuterRef("pk"))
        never_left = Exists(mails.filter(state__in=MAIL_NEVER_LEFT)) & ~Exists(mails.exclude(state__in=MAIL_NEVER_LEFT))
        handed_over = Q(sent_at__isnull=False) & ~never_left
        return self.filter(Q(state=InvitationState.PLANNED) | handed_over)


@tracked
class SurveyInvitation(Versioned):
    """One contact asked once. `key` is also the key of its mail: one mail per contact, survey and period. The link is
    derived from id, `salt` and the server's key; the hash of its token is stored when it is sent.
    """

    survey = models.ForeignKey(Survey, models.PROTECT, related_name="invitations", verbose_name=_("survey"))
    client = models.ForeignKey(Client, models.CASCADE, related_name="survey_invitations")
    contact = models.ForeignKey(Contact, models.CASCADE, related_name="survey_invitations", verbose_name=_("person"))
    address = models.EmailField(_("address"), max_length=254)
    state = models.CharField(max_length=8, choices=InvitationState, default=InvitationState.PLANNED)
    source = models.CharField(max_length=4, choices=InvitationSource)
    period = models.CharField(
        max_length=12, help_text="2026-07+6 (by rule: six months from July) or 2026-11-25 (by hand)"
    )
    key = models.CharField(max_length=100, unique=True, help_text="survey:{survey}:{contact}:{period}")
    batch = models.UUIDField(null=True, blank=True, help_text="those asked with one click")
    requested_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    send_at = models.DateTimeField(_("sends"))
    sent_at = models.DateTimeField(null=True, blank=True, help_text="when it was handed to the outbox")
    expires_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    skip_reason = models.CharField(max_length=300, blank=True)
    salt = models.CharField(max_length=43, editable=False)
    token_hash = models.CharField(max_length=64, blank=True, editable=False)
    response = models.OneToOneField(
        SurveyResponse, models.SET_NULL, null=True, blank=True, related_name="invitation", editable=False
    )
    is_demo = models.BooleanField(default=False, editable=False)

    objects = SurveyInvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("survey invitation")
        ordering = ["-send_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=InvitationState.values), name="survey_invitation_known_state"),
            models.CheckConstraint(
                condition=~Q(state__in=["sent", "answered"]) | (Q(sent_at__isnull=False) & ~Q(token_hash="")),
                name="survey_invitation_sent_has_link",
            ),
            models.CheckConstraint(
                condition=~Q(state="answered") | Q(answered_at__isnull=False), name="survey_invitation_answered_at"
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=F("send_at")), name="survey_invitation_lives"),
            models.UniqueConstraint(fields=["token_hash"], condition=~Q(token_hash=""), name="survey_invitation_token"),
        ]
        indexes = [
            models.Index(fields=["send_at", "id"], name="survey_invitation_due", condition=Q(state="planned")),
            models.Index(
                fields=["expires_at"], name="survey_invitation_open", condition=Q(state__in=["planned", "sent"])
            ),
            models.Index(fields=["contact", "-send_at"], name="survey_invitation_contact"),
            models.Index(fields=["client", "-send_at"], name="survey_invitation_client"),
            models.Index(fields=["-send_at", "-id"], name="survey_invitation_recent"),
            models.Index(fields=["batch"], name="survey_invitation_batch", condition=Q(batch__isnull=False)),
        ]

    def __str__(self):
        return str(self.contact)

    @property
    def link_principal(self) -> Principal:
        """Who acts through the links of its mail."""
        return by_link(contact_id=self.contact_id, client_id=self.client_id)
