from datetime import date, timedelta

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from clients.documents.choices import DocumentKind
from clients.engagements.models import NamesEngagement, engagement_key, named_q
from clients.gate import visible_q
from clients.records.models import Client
from crm.core.base.archiving import Archivable, ArchivableQuerySet
from crm.core.base.models import Folded, Versioned, tracked
from crm.core.files.models import StoredFile

SOON = timedelta(days=30)  # before its expiry a document is spoken of


class DocumentQuerySet(ArchivableQuerySet, NamesEngagement):
    def visible_to(self, principal):
        return self.filter(visible_q(principal, "client__")).filter(named_q(principal))

    def current(self):
        """Outside the archive, of clients that are."""
        return self.kept().filter(client__archived_at=None)

    def expiring(self, today: date):
        """Today or within the next 30 days."""
        return self.filter(expiry_date__gte=today, expiry_date__lte=today + SOON)

    def expired(self, today: date):
        return self.filter(expiry_date__lt=today)


@tracked
class Document(Archivable, Versioned):
    """A document of a client. Each of its versions is a file; `file`, `number` and `uploaded_at` are those of the latest, so that a list
    needs nothing else."""

    client = models.ForeignKey(Client, models.CASCADE, related_name="documents", verbose_name=_("client"))
    engagement = engagement_key("documents")
    title = models.CharField(_("title"), max_length=160)
    kind = models.CharField(_("kind"), max_length=12, choices=DocumentKind, default=DocumentKind.OTHER)
    expiry_date = models.DateField(_("expires on"), null=True, blank=True)
    is_shared = models.BooleanField(_("may be shared with the client"), default=False)
    note = models.TextField(_("note"), blank=True)
    file = models.ForeignKey(StoredFile, models.PROTECT, related_name="+", editable=False)
    number = models.PositiveIntegerField(_("version"), default=1, editable=False)
    uploaded_at = models.DateTimeField(_("uploaded"), editable=False)
    search_key = models.GeneratedField(expression=Folded(F("title")), output_field=models.TextField(), db_persist=True)

    objects = DocumentQuerySet.as_manager()

    class Meta:
        verbose_name = _("document")
        ordering = ["-uploaded_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(title=""), name="document_title_given", violation_error_message=_("Enter a title.")
            ),
        ]
        indexes = [
            models.Index(
                fields=["client", "-uploaded_at", "-id"], name="document_client", condition=Q(archived_at__isnull=True)
            ),
            models.Index(
                fields=["engagement", "-uploaded_at", "-id"],
                name="document_engagement",
                condition=Q(engagement__isnull=False),
            ),
            models.Index(fields=["-uploaded_at", "-id"], name="document_newest", condition=Q(archived_at__isnull=True)),
            models.Index(
                fields=["expiry_date", "id"],
                name="document_expiry",
                condition=Q(archived_at__isnull=True, expiry_date__isnull=False),
            ),
            models.Index(F("search_key"), F("id"), name="document_title", condition=Q(archived_at__isnull=True)),
            GinIndex(OpClass(F("search_key"), name="gin_trgm_ops"), name="document_search"),
        ]

    def __str__(self):
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("clients:document", kwargs={"document_id": self.pk})

    def is_expired(self, today: date) -> bool:
        return self.expiry_date is not None and self.expiry_date < today


class DocumentVersionQuerySet(models.QuerySet):
    def visible_to(self, principal):
        seen = named_q(principal, "document__engagement")
        return self.filter(visible_q(principal, "document__client__")).filter(seen)


@tracked
class DocumentVersion(models.Model):
    """One file of a document. Never changed: a correction is the next version. Who brought it and when stands on the file."""

    document = models.ForeignKey(Document, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(_("version"))
    file = models.OneToOneField(StoredFile, models.PROTECT, related_name="+")
    remark = models.CharField(_("what changed"), max_length=200, blank=True)

    objects = DocumentVersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("version of a document")
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["document", "number"], name="document_version_once"),
            models.CheckConstraint(condition=Q(number__gte=1), name="document_version_counts_from_one"),
        ]

    def __str__(self):
        return f"{self.document} · {self.number}"
