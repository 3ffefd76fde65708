from django.core.validators import MaxValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from crm.core.base.archiving import Archivable, ArchivableQuerySet
from crm.core.base.models import CUSTOM, SLOT, Versioned, tracked
from crm.core.fields.custom.choices import Kind
from crm.core.users.models import User

LONGEST_KEY = 40


@tracked
class FieldSection(Versioned):
    """A part of the form and the page that custom fields stand in. With a `kind`, only for records of that kind."""

    record = models.CharField(max_length=20, editable=False)
    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("only for"), max_length=20, blank=True)
    position = models.PositiveSmallIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("section of custom fields")
        ordering = ["record", "position", "pk"]
        constraints = [
            models.UniqueConstraint(
                "record",
                Lower("name"),
                name="field_section_name_unique",
                violation_error_message=_("A section with this name already exists."),
            )
        ]

    def __str__(self):
        return self.name


@tracked
class CustomField(Archivable, Versioned):
    """A field that the firm added to a kind of record.

    `key` names it in URLs, files and the API; it never changes. Its values stand in the record's column `custom` under `held_at`: the
    key, and after a change of type another slot. While one is `pending`, nobody writes a value. An archived field is nowhere offered,
    its values stay. `options`: [{"key", "label", "is_archived"}] of a choice. `least` and `most` are numbers, or
    days as 2026-01-31. `pattern`: see `patterns.py`. `formula`: its text with the names of fields (`formulas/`); `rollup`: see `rollups.py`.
    """

    record = models.CharField(max_length=20, editable=False)
    key = models.CharField(max_length=LONGEST_KEY, editable=False, validators=[RegexValidator("^[a-z][a-z0-9_]*$")])
    slot = models.CharField(max_length=LONGEST_KEY, editable=False, blank=True, default="", db_default="")
    label = models.CharField(_("name"), max_length=60)
    kind = models.CharField(_("type"), max_length=12, choices=Kind)
    section = models.ForeignKey(
        FieldSection, models.PROTECT, null=True, blank=True, related_name="fields", verbose_name=_("section")
    )
    position = models.PositiveSmallIntegerField(default=0, editable=False)
    hint = models.CharField(_("help text"), max_length=200, blank=True)
    is_required = models.BooleanField(_("required"), default=False)
    is_unique = models.BooleanField(_("no two the same"), default=False)
    is_filtered = models.BooleanField(_("filter and sort by it"), default=True)
    least = models.CharField(_("from"), max_length=30, blank=True)
    most = models.CharField(_("to"), max_length=30, blank=True)
    pattern = models.CharField(_("pattern"), max_length=60, blank=True)
    decimals = models.PositiveSmallIntegerField(_("decimals"), default=0, validators=[MaxValueValidator(6)])
    options = models.JSONField(_("choices"), default=list, blank=True)
    formula = models.TextField(_("formula"), blank=True, default="", db_default="")
    rollup = models.JSONField(_("roll-up"), default=dict, blank=True, db_default=models.Value({}, models.JSONField()))
    pending = models.ForeignKey(
        "core.FieldChange",
        models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("change of type in progress"),
    )

    objects = ArchivableQuerySet.as_manager()

    class Meta:
        verbose_name = _("custom field")
        ordering = ["record", "position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["record", "key"], name="custom_field_key_unique"),
            models.UniqueConstraint(
                F("record"),
                Lower("label"),
                name="custom_field_label_unique",
                condition=Q(archived_at__isnull=True),
                violation_error_message=_("A field with this name already exists."),
            ),
            models.CheckConstraint(condition=~Q(label=""), name="custom_field_label_given"),
        ]

    def __str__(self):
        return self.label

    @property
    def name(self) -> str:
        """Its name in the catalogue, in URLs and in the API."""
        return f"{CUSTOM}{self.key}"

    @property
    def stem(self) -> str:
        """What its slots begin with: the key, or its beginning and the field's number where no change of type would fit behind it. No key
        has what stands between them."""
        return self.key if len(self.key) <= LONGEST_KEY - 4 else f"{self.key[:20]}{SLOT}{self.pk}"

    @property
    def held_at(self) -> str:
        """Where rows keep its values in `custom`."""
        return self.slot or self.key


class FieldChange(models.Model):
    """A change of the type of a field, made by a worker (`conversion_jobs.py`), with what its undo needs: the settings before, and the
    slot whose values it left where they were. `target`: the settings of the new type. Until `applied_at` the field has its old type.
    `rows` is of changes made before there were slots.
    """

    field = models.ForeignKey(CustomField, models.CASCADE, related_name="changes")
    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    from_kind = models.CharField(max_length=12, choices=Kind)
    to_kind = models.CharField(max_length=12, choices=Kind)
    settings = models.JSONField(default=dict, help_text="of the field before")
    target = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    reading = models.CharField(max_length=20, default="", db_default="", help_text="how dates or numbers are written")
    from_slot = models.CharField(max_length=LONGEST_KEY, default="", db_default="")
    to_slot = models.CharField(max_length=LONGEST_KEY, default="", db_default="")
    job_id = models.BigIntegerField(null=True, help_text="of its job, or that of its undo")
    rows = models.JSONField(default=dict, help_text="{number of the row: [value before, value after]}")
    aside = models.ForeignKey(
        CustomField, models.SET_NULL, null=True, related_name="+", help_text="holds the values that had no equivalent"
    )
    created_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("change of a field’s type")
        ordering = ["-created_at", "-pk"]

    def __str__(self):
        return f"{self.field}: {self.get_from_kind_display()} → {self.get_to_kind_display()}"
