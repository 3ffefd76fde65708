from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from crm.core.base.archiving import Archivable, ArchivableQuerySet
from crm.core.base.models import Versioned, tracked, tracked_aside


@tracked_aside
class Tag(models.Model):
    name = models.CharField(_("name"), max_length=60)
    tone = models.CharField(
        _("colour"),
        max_length=10,
        default="neutral",
        choices=[(v, v) for v in ("neutral", "green", "amber", "red", "blue", "violet")],
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("name"), name="tag_name_unique", violation_error_message=_("A tag with this name already exists.")
            )
        ]
        ordering = ["name"]

    def __str__(self):
        return self.name


@tracked
class Service(Archivable, Versioned):
    """What the firm sells."""

    name = models.CharField(_("name"), max_length=120)
    code = models.CharField(_("code"), max_length=40, blank=True)
    description = models.TextField(_("description"), blank=True)

    objects = ArchivableQuerySet.as_manager()

    class Meta:
        verbose_name = _("service")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="service_name_unique",
                violation_error_message=_("A service with this name already exists."),
            )
        ]

    def __str__(self):
        return self.name
