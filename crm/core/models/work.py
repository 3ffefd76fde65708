import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.core import gate
from crm.core.choices import JobState
from crm.core.models.people import User


class OwnedQuerySet(models.QuerySet):
    """Kernel rows of a user that may concern a client."""

    def visible_to(self, user):
        return self.filter(gate.rows_of(user, addressee="user"))


class PersonalQuerySet(models.QuerySet):
    """Rows of one user alone; those about a client only while the user may see it."""

    def visible_to(self, user):
        return self.filter(gate.rows_of(user, addressee="user"), user=user)


class StoredFile(models.Model):
    """An upload outside the web root, under a random name."""

    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    client_id = models.BigIntegerField(null=True, blank=True, db_index=True)
    name = models.CharField(max_length=255, help_text="as the user called it")
    path = models.CharField(max_length=120, unique=True)
    content_type = models.CharField(max_length=120)
    size = models.BigIntegerField(help_text="bytes")
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OwnedQuerySet.as_manager()


class Job(models.Model):
    """Long work with progress and a report: an import, an export. Started by `core.jobs`, runs in a worker."""

    kind = models.CharField(max_length=40, help_text="registered name, such as import:clients")
    state = models.CharField(max_length=10, choices=JobState, default=JobState.READY)
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    client_id = models.BigIntegerField(null=True, blank=True)
    title = models.CharField(max_length=200)
    file = models.ForeignKey(StoredFile, models.PROTECT, null=True, blank=True, related_name="+")
    failed_rows = models.ForeignKey(StoredFile, models.PROTECT, null=True, blank=True, related_name="+")
    options = models.JSONField(default=dict, help_text="encoding, delimiter, mapping, answers asked once for all rows")
    report = models.JSONField(default=dict, help_text="counts and messages")
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    lease_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True, help_text="what a person can do about it")

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="job_user_recent"),
            models.Index(fields=["lease_until"], name="job_open", condition=Q(state__in=["queued", "running"])),
        ]

    def __str__(self):
        return self.title


class Draft(models.Model):
    """What a user was typing, per kind of form and record. Gone only after the form was saved."""

    user = models.ForeignKey(User, models.CASCADE, related_name="drafts")
    kind = models.CharField(max_length=40)
    client_id = models.BigIntegerField(null=True, blank=True)
    record = models.CharField(max_length=40, blank=True, help_text="id of the edited row; empty for a new one")
    data = models.JSONField(default=dict)
    updated_at = models.DateTimeField(auto_now=True)

    objects = PersonalQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "kind", "client_id", "record"], name="draft_once", nulls_distinct=False
            )
        ]


class Notification(models.Model):
    user = models.ForeignKey(User, models.CASCADE, related_name="notifications")
    client_id = models.BigIntegerField(null=True, blank=True)
    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=200, unique=True)
    text = models.CharField(max_length=300)
    url = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True, blank=True)

    objects = PersonalQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="notification_unread", condition=Q(read_at__isnull=True))
        ]


class Heartbeat(models.Model):
    """When a recurring piece of work last finished, and what it did. Worker liveness is read here."""

    name = models.CharField(max_length=60, primary_key=True)
    finished_at = models.DateTimeField()
    did = models.PositiveIntegerField(default=0)
    note = models.CharField(max_length=300, blank=True)


class IdempotencyKey(models.Model):
    """The answer given to an API write, repeated for the same key."""

    user = models.ForeignKey(User, models.CASCADE)
    key = models.CharField(max_length=100)
    token = models.UUIDField(default=uuid.uuid4)
    request_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once")]
        verbose_name = _("idempotency key")
