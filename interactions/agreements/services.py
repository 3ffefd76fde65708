"""What was agreed: decisions, and commitments of either side."""

from datetime import date, datetime

from django.utils.translation import gettext as _

from clients.contacts.models import Affiliation, Contact
from clients.engagements.models import Engagement
from clients.engagements.services.records import check_engagement_of, sees_engagement
from clients.gate import may_see
from clients.records.models import Client
from crm.core.base.actors import actor_columns, set_actor
from crm.core.base.dates import is_plausible
from crm.core.base.errors import ServiceError
from crm.core.base.principals import SYSTEM, Principal, acting
from crm.core.base.services import service
from crm.core.base.states import transition
from crm.core.base.versions import save_version
from crm.core.users.models import User
from interactions import permissions
from interactions.agreements.choices import COMMITMENT, CommitmentState, Side
from interactions.agreements.models import TEXT_AT_MOST, Commitment, Decision
from interactions.log.models import Interaction


@service(may=permissions.may_change_client, why=permissions.IN_TRASH)
def record_decision(
    principal: Principal,
    *,
    client: Client,
    text: str,
    decided_date: date,
    interaction: Interaction | None = None,
    engagement: Engagement | None = None,
    contact: Contact | None = None,
    is_shared: bool = False,
    is_demo: bool = False,
) -> Decision:
    """Raises ServiceError (fields text, decided_date, contact, engagement)."""
    if not text.strip():
        raise ServiceError(_("Enter what was agreed."), field="text")
    if len(text.strip()) > TEXT_AT_MOST:
        raise ServiceError(_("What was agreed has more than %(n)d characters.") % {"n": TEXT_AT_MOST}, field="text")
    _check(client, contact=contact, day=decided_date, day_field="decided_date")
    check_engagement_of(principal, engagement, client)
    return Decision.objects.create(
        client=client,
        interaction=interaction,
        engagement=engagement,
        text=text.strip(),
        decided_date=decided_date,
        contact=contact,
        **actor_columns(principal, "author", "author_contact_id"),
        is_shared=is_shared,
        is_demo=is_demo,
    )


@service(may=permissions.may_change_decision, why=permissions.IN_TRASH)
def share_decision(principal: Principal, *, decision: Decision) -> Decision:
    """Show a decision to the client: in their progress email from now on. Idempotent."""
    row = Decision.objects.select_for_update(of=("self",)).get(pk=decision.pk)
    if not row.is_shared:
        row.is_shared = True
        save_version(row, fields=["is_shared"], seen=None)
    return row


@service(may=permissions.may_change_client, why=permissions.IN_TRASH)
def create_commitment(
    principal: Principal,
    *,
    client: Client,
    text: str,
    side: str = Side.FIRM,
    due_date: date | None = None,
    owner: User | None = None,
    contact: Contact | None = None,
    decision: Decision | None = None,
    interaction: Interaction | None = None,
    engagement: Engagement | None = None,
    is_shared: bool = False,
    is_demo: bool = False,
) -> Commitment:
    """A commitment: ours has an `owner` (None: the actor), theirs a `contact`. Raises ServiceError (field text)."""
    if not text.strip():
        raise ServiceError(_("Enter the commitment."), field="text")
    _check(client, contact=contact, day=due_date, day_field="due_date")
    if decision is not None and decision.client_id != client.pk:
        raise ServiceError(_("This decision is about another client."), field="decision")
    engagement = engagement or (decision.engagement if decision is not None else None)
    check_engagement_of(principal, engagement, client)
    if decision is not None and decision.engagement != engagement:
        raise ServiceError(_("This decision belongs to something else."), field="decision")
    is_seen = owner is None or may_see(acting(owner), client) and sees_engagement(owner, engagement)
    if owner is not None and owner != principal.user and not is_seen:
        raise ServiceError(_("%(name)s cannot see this client.") % {"name": owner.name}, field="owner")
    ours = side == Side.FIRM
    return Commitment.objects.create(
        client=client,
        text=text.strip()[:300],
        side=side,
        due_date=due_date,
        owner=(owner or principal.user) if ours else None,
        contact=None if ours else contact,
        decision=decision,
        interaction=interaction,
        engagement=engagement,
        is_shared=is_shared,
        is_demo=is_demo,
    )


def _check(client: Client, *, contact: Contact | None, day: date | None, day_field: str) -> None:
    if contact is not None and not Affiliation.objects.filter(client=client, contact=contact).exists():
        raise ServiceError(_("This person is not a contact at this client."), field="contact")
    if day is not None and not is_plausible(day):
        raise ServiceError(_("This date is too far away."), field=day_field)


@service(may=permissions.may_change_commitment, why=permissions.IN_TRASH)
def settle_commitment(
    principal: Principal, *, commitment: Commitment, state: str, now: datetime, seen_version: int | None = None
) -> Commitment:
    """Mark as kept, broken or withdrawn; or reopen, which undoes those. Idempotent."""
    row = Commitment.objects.select_for_update(of=("self",)).get(pk=commitment.pk)
    if row.state == state:
        return row
    with transition(row, to=state, states=COMMITMENT, seen=seen_version, is_locked=True):
        is_open = state in COMMITMENT.open
        row.closed_at = None if is_open else now
        set_actor(row, SYSTEM if is_open else principal, "closed_by", "closed_by_contact_id")
    return row


def keep_commitment(principal: Principal, *, commitment: Commitment, now: datetime) -> Commitment:
    return settle_commitment(principal, commitment=commitment, state=CommitmentState.KEPT, now=now)


def reopen_commitment(principal: Principal, *, commitment: Commitment, now: datetime) -> Commitment:
    return settle_commitment(principal, commitment=commitment, state=CommitmentState.OPEN, now=now)
