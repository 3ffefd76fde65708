"""What an archive of the firm holds of the kernel's and the libraries' tables."""

import pghistory.models
from allauth.account.models import EmailAddress, EmailConfirmation
from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db.models import Q

from crm.core.api.models import IdempotencyKey
from crm.core.archive.tables import keep, leave_out, narrow, open_to_all, table
from crm.core.drafts.models import Draft
from crm.core.fields.custom.models import CustomField, FieldChange, FieldSection
from crm.core.files.models import StoredFile
from crm.core.firm.models import FirmSettings, Holiday
from crm.core.importing.models import ImportMove, MoveFile, SavedMapping, SourceValue
from crm.core.listing.models import BulkChange, ListPreference, SavedView
from crm.core.mail.models import (
    BlastQuestion,
    DeliveryAttempt,
    Installation,
    MailAttachment,
    OutboxMail,
    Suppression,
)
from crm.core.notifications.models import Notification
from crm.core.users.models import ApiToken, Invitation, Team, TeamMembership, User
from crm.core.work.models import Heartbeat, Job

RESTORING = "restoring/"  # the path of a file whose content is on its way
KIND = "archive"  # of notifications about archives

keep(
    pghistory.models.Context,
    Team,
    TeamMembership,
    FirmSettings,
    Holiday,
    FieldSection,
    CustomField,
    SavedMapping,
    SourceValue,
    SavedView,
)
table(
    User,
    without={
        "password": "A secret: people set a new one by “Forgot your password?”.",
        "last_login": "Belongs to the sessions of this server.",
    },
    fill={"password": lambda row: make_password(None)},
)
table(
    StoredFile,
    without={"path": "Where this server keeps the content; the content itself is among the files."},
    fill={"path": lambda row: f"{RESTORING}{row['id']}"},
)
table(FieldChange, without={"job_id": "Jobs stay where they ran."})
table(Suppression, without={"mail_id": "The outbox stays where it sent."})
table(ListPreference, is_personal=True)
table(Draft, is_personal=True)
table(Notification, rows=~Q(kind=KIND), is_personal=True)

open_to_all(User, Team, TeamMembership, why="Everybody sees who the colleagues are.")
open_to_all(FirmSettings, Holiday, FieldSection, CustomField, why="Settings of the firm, without records.")
open_to_all(SavedMapping, why="Columns of files, offered to everybody who imports.")
open_to_all(
    Suppression,
    why="Every admin reads the whole list in the outbox; without it those who complained would get email again.",
)
narrow(SourceValue, Q(pk__lt=0))  # none: words of imported files, which a colleague may not have seen
narrow(FieldChange, Q(rows={}))  # the others hold values of records, seen or not

leave_out(Invitation, why="An open invitation is a secret link: invite again.")
leave_out(ApiToken, Authenticator, why="Secrets: people make new ones.")
leave_out(Session, EmailAddress, EmailConfirmation, IdempotencyKey, why="Sessions end with the server.")
leave_out(Group, Permission, ContentType, why="Made by the program; nothing of the firm is in them.")
leave_out(Group.permissions.through, why="Made by the program; nothing of the firm is in them.")
leave_out(OutboxMail, MailAttachment, DeliveryAttempt, BlastQuestion, why="What was sent stays where it was sent.")
leave_out(Installation, Heartbeat, why="The identity and the pulse of this server.")
leave_out(
    Job, ImportMove, MoveFile, why="Work and reports of this server; what it wrote is in the records and their history."
)
leave_out(BulkChange, why="For the undo of a few days.")
