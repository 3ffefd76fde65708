"""Removes the demo firm: everything marked as demo, and what depends on it. History is kept, as always."""

from datetime import datetime

from django.db import transaction
from django.db.models import ProtectedError, Q

from clients.catalogue.models import Service, Tag
from clients.contacts.models import Contact
from clients.cover.models import Cover
from clients.engagements.models import EngagementKind
from clients.records.models import Client, ExternalId
from clients.revenue.models import Contract
from crm.core.base.principals import SYSTEM
from crm.core.drafts.models import Draft
from crm.core.files.models import StoredFile
from crm.core.files.services import delete_files
from crm.core.firm.models import FirmSettings
from crm.core.mail.models import OutboxMail
from crm.core.notifications.models import Notification
from crm.core.users.models import Team, User
from interactions.follow_ups.models import FollowUp
from interactions.surveys.models import SurveyRule
from onboarding.models import Plan, Template
from onboarding.services.templates import remove_demo_templates
from tools.demo import cast, engagements, fields, logins


@transaction.atomic
def remove(*, now: datetime) -> dict[str, int]:
    """Remove the demo firm. Returns {what: how many}. Demo colleagues who have since written rows of the firm are disabled instead of
    deleted.
    """
    ids = list(Client.objects.filter(is_demo=True).values_list("pk", flat=True))
    counts = {"clients": len(ids), "contacts": Contact.objects.filter(is_demo=True).count()}
    for model in (OutboxMail, Draft, Notification):
        model.objects.filter(client_id__in=ids).delete()
    OutboxMail.objects.filter(user__is_demo=True).delete()
    ExternalId.objects.filter(kind="client", object_id__in=ids).delete()
    Plan.objects.filter(client_id__in=ids).delete()
    FollowUp.objects.filter(is_demo=True).delete()
    SurveyRule.objects.filter(is_active=True).update(is_active=False)  # it would email the firm's own clients
    Client.objects.filter(parent_id__in=ids).update(parent=None)
    Contract.objects.filter(client_id__in=ids, replaces__isnull=False).update(replaces=None)
    Client.objects.filter(pk__in=ids).delete()
    delete_files(StoredFile.objects.filter(client_id__in=ids))
    Contact.objects.filter(is_demo=True, affiliations=None).delete()
    Contact.objects.filter(is_demo=True).update(is_demo=False)  # now also at one of the firm's own clients
    counts["templates"] = remove_demo_templates(SYSTEM)
    Template.objects.filter(is_demo=True).update(is_demo=False)  # one of the firm's own plans is pinned to it
    _delete_each(Service.objects.filter(name__in=[name for name, _code in cast.SERVICES]))
    _delete_each(EngagementKind.objects.filter(name__in=engagements.KINDS))
    _delete_each(Tag.objects.filter(clients=None, name__in=[role.tag for role in cast.CLIENTS if role.tag]))
    Cover.objects.filter(Q(absent__is_demo=True) | Q(covering__is_demo=True)).delete()
    fields.remove(now)
    counts["people"] = _people(now)
    FirmSettings.objects.filter(pk=1).update(has_demo_data=False)
    nameless = FirmSettings._meta.get_field("name").get_default()
    FirmSettings.objects.filter(pk=1, name=cast.FIRM["name"]).update(name=nameless)
    left = list(User.objects.active().filter(is_demo=True).values_list("email", flat=True))
    transaction.on_commit(lambda: logins.keep_only(left))
    return counts


def _delete_each(rows) -> int:
    """Delete the rows that nothing else uses."""
    deleted = 0
    for row in rows:
        try:
            with transaction.atomic():
                row.delete()
            deleted += 1
        except ProtectedError:
            continue
    return deleted


def _people(now) -> int:
    Team.objects.filter(name__in=cast.TEAM_LEADS, lead__is_demo=True).update(lead=None)
    admins = User.objects.active().with_role("admin").filter(is_demo=False)
    people = User.objects.filter(is_demo=True)
    if not admins.exists():
        people = people.exclude(roles__contains=["admin"])  # someone must be able to log in
    gone = _delete_each(people)
    people.filter(is_active=True).update(is_active=False, disabled_at=now)
    _delete_each(Team.objects.filter(name__in=cast.TEAM_LEADS, members=None, clients=None))
    return gone
