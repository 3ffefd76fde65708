from django.db import models
from django.db.models import Q

from crm.core.base.querysets import OwnedQuerySet
from crm.core.files.models import StoredFile
from crm.core.users.models import User
from crm.core.work.choices import JobState


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


class Heartbeat(models.Model):
    """When a periodic job last finished, and what it did. Shows whether workers are alive."""

    name = models.CharField(max_length=60, primary_key=True)
    finished_at = models.DateTimeField()
    did = models.PositiveIntegerField(default=0)
    note = models.CharField(max_length=300, blank=True)
