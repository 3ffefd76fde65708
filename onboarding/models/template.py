import pgtrigger
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from crm.core.base.archiving import Archivable, ArchivableQuerySet
from crm.core.base.models import Versioned, tracked
from crm.core.users.models import User
from onboarding import choices

FROZEN = """
    IF EXISTS (
        SELECT FROM onboarding_templateversion
        WHERE state = 'published' AND (
            TG_OP <> 'INSERT' AND id = OLD.version_of_id OR TG_OP <> 'DELETE' AND id = NEW.version_of_id
        )
    ) THEN
        RAISE EXCEPTION 'a published template version does not change' USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
"""


STAYS_PUBLISHED = """
    IF OLD.state = 'published' AND (
        TG_OP = 'DELETE' OR NEW.state <> 'published' OR NEW.number <> OLD.number OR NEW.template_id <> OLD.template_id
    ) THEN
        RAISE EXCEPTION 'a published template version does not change' USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
"""


def frozen_when_published() -> pgtrigger.Trigger:
    """Phases and tasks of a published version never change: the database refuses every write."""
    return pgtrigger.Trigger(
        name="frozen_when_published",
        level=pgtrigger.Row,
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
        func=FROZEN,
    )


class TemplateQuerySet(ArchivableQuerySet):
    def visible_to(self, principal):
        """Admins see all; others see usable ones: not archived, with a published version."""
        if principal.is_admin:
            return self
        published = TemplateVersion.objects.published().filter(template=models.OuterRef("pk"))
        return self.kept().filter(models.Exists(published))


@tracked
class Template(Versioned, Archivable):
    """A kind of onboarding. Its versions hold its content."""

    name = models.CharField(_("name"), max_length=120)
    description = models.TextField(_("what it is for"), blank=True)
    is_demo = models.BooleanField(default=False, editable=False)

    objects = TemplateQuerySet.as_manager()

    class Meta:
        verbose_name = _("onboarding template")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="template_name_unique",
                violation_error_message=_("A template with this name already exists."),
            )
        ]

    def __str__(self):
        return self.name


class TemplateVersionQuerySet(models.QuerySet):
    def visible_to(self, principal):
        """Admins also see drafts; others see published versions, including those of archived templates (plans run on
        them).
        """
        return self if principal.is_admin else self.published()

    def published(self):
        return self.filter(state=choices.VersionState.PUBLISHED)

    def startable(self):
        """The latest published version of each template that is not archived."""
        newer = TemplateVersion.objects.published().filter(
            template=models.OuterRef("template"), number__gt=models.OuterRef("number")
        )
        return self.published().filter(~models.Exists(newer), template__archived_at__isnull=True)


@tracked
class TemplateVersion(Versioned):
    """One version of a template: a draft that is edited, or published and never changed again."""

    template = models.ForeignKey(Template, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=choices.VersionState, default=choices.VersionState.DRAFT)
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    objects = TemplateVersionQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["template", "number"], name="template_version_number"),
            models.UniqueConstraint(fields=["template"], condition=Q(state="draft"), name="template_one_draft"),
            models.CheckConstraint(
                condition=Q(state="draft") | Q(published_at__isnull=False), name="template_version_published_at"
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="stays_published",
                level=pgtrigger.Row,
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                func=STAYS_PUBLISHED,
            )
        ]

    def __str__(self):
        return f"{self.template} v{self.number}"

    @property
    def is_draft(self) -> bool:
        return self.state == choices.VersionState.DRAFT


class TemplatePhase(models.Model):
    version_of = models.ForeignKey(TemplateVersion, models.CASCADE, related_name="phases")
    key = models.CharField(max_length=40, help_text="survives versions")
    name = models.CharField(_("name"), max_length=120)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["version_of", "key"], name="template_phase_key")]
        triggers = [frozen_when_published()]

    def __str__(self):
        return self.name


class TemplateTask(Versioned):
    """A task of a template. Due `offset_days` working days after kickoff, or after the task `after` is due."""

    version_of = models.ForeignKey(TemplateVersion, models.CASCADE, related_name="tasks")
    phase = models.ForeignKey(TemplatePhase, models.CASCADE, related_name="tasks", verbose_name=_("phase"))
    key = models.CharField(max_length=40, help_text="survives versions")
    title = models.CharField(_("task"), max_length=200)
    position = models.PositiveSmallIntegerField(default=0)
    owner_side = models.CharField(
        _("assignee"), max_length=6, choices=choices.OwnerSide, default=choices.OwnerSide.FIRM
    )
    owner_role = models.CharField(
        _("role"), max_length=60, blank=True, help_text=_("such as Account manager, Payroll specialist, Client IT")
    )
    offset_days = models.PositiveSmallIntegerField(
        _("working days"), default=0, validators=[MinValueValidator(0), MaxValueValidator(730)]
    )
    after = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="followers", verbose_name=_("counted from")
    )
    is_mandatory = models.BooleanField(_("mandatory"), default=True)
    is_client_visible = models.BooleanField(_("visible to client"), default=False)
    evidence = models.CharField(_("needs"), max_length=10, choices=choices.Evidence, blank=True)
    done_when = models.CharField(_("done when"), max_length=200, blank=True)
    instructions = models.TextField(_("instructions"), blank=True)

    class Meta:
        ordering = ["phase__position", "position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["version_of", "key"], name="template_task_key"),
            models.CheckConstraint(condition=~Q(title=""), name="template_task_title_given"),
            models.CheckConstraint(
                condition=Q(after__isnull=True) | ~Q(after=F("id")), name="template_task_not_after_itself"
            ),
        ]
        triggers = [frozen_when_published()]

    def __str__(self):
        return self.title
