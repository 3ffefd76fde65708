from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clients.models import Client, Contact
from clients.models.gate import visible_q
from crm.core.models import User, Versioned, tracked
from interactions import choices


@tracked
class Survey(Versioned):
    """A question asked again and again, with its scale."""

    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=4, choices=choices.SurveyKind, default=choices.SurveyKind.NPS)
    question = models.CharField(_("question"), max_length=300)
    scale_min = models.SmallIntegerField(default=0)
    scale_max = models.SmallIntegerField(default=10)
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.CheckConstraint(condition=Q(scale_max__gt=F("scale_min")), name="survey_scale")]

    def __str__(self):
        return self.name


class SurveyResponseQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(visible_q(user, "client__"))

    def between(self, start, end):
        return self.filter(answered_at__gte=start, answered_at__lt=end)


@tracked
class SurveyResponse(Versioned):
    """An answer. The scale stands with it, so that answers of different scales are never mixed."""

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
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

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
