"""Imports the models of all rooms, because Django looks for them here."""

from crm.core.api.models import IdempotencyKey  # noqa: F401
from crm.core.drafts.models import Draft  # noqa: F401
from crm.core.fields.custom.models import CustomField, FieldChange, FieldSection  # noqa: F401
from crm.core.files.models import StoredFile  # noqa: F401
from crm.core.firm.models import FirmSettings, Holiday  # noqa: F401
from crm.core.importing.models import ImportMove, MoveFile, SavedMapping, SourceValue  # noqa: F401
from crm.core.listing.models import BulkChange, ListPreference, SavedView  # noqa: F401
from crm.core.mail.models import BlastQuestion, DeliveryAttempt, Installation, MailAttachment, OutboxMail, Suppression  # noqa: F401
from crm.core.notifications.models import Notification  # noqa: F401
from crm.core.users.models import ApiToken, Invitation, Team, TeamMembership, User  # noqa: F401
from crm.core.work.models import Heartbeat, Job  # noqa: F401
