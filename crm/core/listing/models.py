from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from crm.core.base.archiving import Archivable, ArchivableQuerySet
from crm.core.base.models import Versioned, tracked
from crm.core.users.models import User

LONGEST_NAME = 60


class BulkChange(models.Model):
    """One bulk action on selected rows, with the values before it, so that it can be undone in one step."""

    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    action = models.CharField(max_length=60, help_text="registered name, such as clients.archive")
    said = models.CharField(max_length=300, blank=True, db_default="", help_text="what was changed, in words")
    url = models.TextField(blank=True, db_default="", help_text="of the list that it was started from")
    rows = models.JSONField(default=list, help_text="[[number of the row, what its undo needs]]")
    refused = models.JSONField(
        default=list, db_default=Value([], models.JSONField()), help_text="[[number of the row, why it was left alone]]"
    )
    total = models.PositiveIntegerField(default=0, db_default=0, help_text="rows that were chosen")
    created_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True, blank=True)
    not_undone = models.JSONField(
        default=list,
        db_default=Value([], models.JSONField()),
        help_text="[[number of the row, why undo left it alone]]",
    )
    job_id = models.BigIntegerField(
        null=True, blank=True, help_text="the job that does it, or its undo, in the background"
    )

    class Meta:
        verbose_name = _("bulk change")
        indexes = [models.Index(fields=["created_at"], name="bulk_change_recent")]

    def __str__(self):
        return self.action


class SavedViewQuerySet(ArchivableQuerySet):
    def visible_to(self, principal):
        """One's own, and those that are shared with everyone."""
        if principal.user is None:
            return self if principal.is_system else self.none()
        return self.filter(Q(owner=principal.user) | Q(is_shared=True))


@tracked
class SavedView(Archivable, Versioned):
    """Filters, sort, groups, columns and layout of a list under a name. It never widens what its reader sees: rows come from the reader's own
    `visible_to`."""

    list_key = models.CharField(max_length=80, editable=False)
    owner = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("owner"))
    name = models.CharField(_("name"), max_length=LONGEST_NAME)
    is_shared = models.BooleanField(_("shared with everyone"), default=False)
    query = models.JSONField(_("filters"), default=dict, blank=True, help_text="{name of a filter: [values]}")
    sort = models.CharField(_("sort"), max_length=80, blank=True)
    group = models.CharField(_("grouped by"), max_length=80, blank=True, db_default="")
    board = models.CharField(
        _("board"),
        max_length=80,
        blank=True,
        db_default="",
        help_text="what the columns of the board are; empty: a list",
    )
    columns = models.JSONField(
        _("columns"), default=list, blank=True, help_text="[[key, width or null]]; empty: the list's own"
    )
    position = models.PositiveIntegerField(_("position"), default=0, help_text="among the owner's views of the list")

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        verbose_name = _("saved view")
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                "owner",
                "list_key",
                Lower("name"),
                condition=Q(archived_at__isnull=True),
                name="saved_view_name_once",
                violation_error_message=_("You already have a view with this name."),
            ),
            models.CheckConstraint(
                condition=~Q(name=""), name="saved_view_named", violation_error_message=_("Enter a name.")
            ),
        ]
        indexes = [
            models.Index(
                fields=["list_key"], name="saved_view_shared", condition=Q(is_shared=True, archived_at__isnull=True)
            )
        ]

    def __str__(self):
        return self.name


class ListPreference(models.Model):
    """How a person has a list: what it opens with, its columns where no view says them, their widths."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    list_key = models.CharField(max_length=80)
    start_view = models.ForeignKey(SavedView, models.SET_NULL, null=True, blank=True, related_name="+")
    start_query = models.TextField(blank=True, help_text="of a ready-made view")
    last_query = models.TextField(blank=True, help_text="as the list was left")
    columns = models.JSONField(default=list, blank=True, help_text="[key]; empty: the list's own")
    widths = models.JSONField(default=dict, blank=True, help_text="{key: pixels}")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("list preference")
        constraints = [
            models.UniqueConstraint(fields=["user", "list_key"], name="list_preference_once"),
            models.CheckConstraint(
                condition=Q(start_view__isnull=True) | Q(start_query=""), name="list_preference_one_start"
            ),
        ]
