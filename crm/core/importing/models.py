"""What an import leaves for the next one, and the files that are moved in together."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.core.importing.choices import MoveState
from crm.core.users.models import User
from crm.core.work.models import Job

TIME_ZONE = "time zone"  # the field under which the zone of a system's times is remembered


class SourceValue(models.Model):
    """What a word of another system means here, once somebody has said it: `meaning` is what a cell would say, "" for leaving it out."""

    system = models.CharField(max_length=60)
    field = models.CharField(max_length=80, help_text="key of the vocabulary, such as people, stage, client.status")
    value = models.CharField(max_length=200, help_text="as the file has it, folded")
    meaning = models.CharField(max_length=200, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("value of another system")
        ordering = ["system", "field", "value"]
        constraints = [models.UniqueConstraint(fields=["system", "field", "value"], name="source_value_unique")]

    def __str__(self):
        return f"{self.system}: {self.value}"


class SavedMapping(models.Model):
    """Which column of the firm's own files is what, offered by its name when such a file comes again."""

    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(max_length=40)
    header = models.JSONField(default=list, help_text="the names of the file's columns")
    options = models.JSONField(default=dict, help_text="system, mapping, defaults, zone")
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("saved mapping")
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "name"],
                name="saved_mapping_unique",
                violation_error_message=_("There are saved columns with this name."),
            )
        ]

    def __str__(self):
        return self.name


class MoveQuerySet(models.QuerySet):
    def visible_to(self, principal):
        """Only one's own: a file may name clients that nobody else sees."""
        return self.filter(user=principal.user_id)


class ImportMove(models.Model):
    """Several files of one export, imported one after the other."""

    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=MoveState, default=MoveState.DRAFT)
    questions = models.CharField(max_length=10, blank=True, help_text="what becomes of rows that ask something")
    undone = models.JSONField(
        blank=True,
        default=list,
        db_default=models.Value([], models.JSONField()),
        help_text="jobs whose undo the undo of the move has started",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = MoveQuerySet.as_manager()

    class Meta:
        verbose_name = _("move")
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["user", "-created_at"], name="import_move_recent")]

    def __str__(self):
        return str(_("Move of %(day)s")) % {"day": self.created_at.date().isoformat()}


class MoveFile(models.Model):
    """A file of a move, or a table of one: the job that imports it."""

    move = models.ForeignKey(ImportMove, models.CASCADE, related_name="files")
    job = models.OneToOneField(Job, models.CASCADE, related_name="in_move")

    class Meta:
        verbose_name = _("file of a move")
        ordering = ["pk"]
