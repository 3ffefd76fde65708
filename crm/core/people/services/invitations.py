"""Invitations of colleagues: an email with a link that works once within two weeks, unless revoked."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from crm.core.base.errors import ServiceError
from crm.core.base.permissions import may_administer
from crm.core.base.principals import Principal
from crm.core.base.secret_links import hash_token, new_salt
from crm.core.base.services import service
from crm.core.mail.delivery.message import real_links
from crm.core.people.emails import JOIN_LINK, mail_invitation
from crm.core.people.services.colleagues import lock_admins
from crm.core.users.models import Invitation, Team, TeamMembership, User

VALID_FOR = timedelta(days=14)


@service(may=may_administer)
def invite(
    principal: Principal, *, email: str, roles: list[str], name: str = "", team: Team | None = None, now: datetime
) -> Invitation:
    """Invite someone by email. Raises ServiceError if they are already a user or have an open invitation."""
    _require_free(email, now)
    salt = new_salt()
    invitation = Invitation.objects.create(
        email=email,
        name=" ".join(name.split()),
        roles=roles,
        team=team,
        salt=salt,
        token_hash=hash_token(salt),
        invited_by=principal.user,
        expires_at=now + VALID_FOR,
    )
    return _send(invitation, principal)


def _require_free(email: str, now: datetime, but: Invitation | None = None) -> None:
    """An address has at most one open invitation. Locking the admins ensures this when several invite at once."""
    lock_admins()
    if User.objects.filter(email__iexact=email).exists():
        raise ServiceError(_("A colleague already has this email address."), field="email")
    if open_invitations(now).filter(email__iexact=email).exclude(pk=but.pk if but else None).exists():
        raise ServiceError(
            _("This address has an open invitation. Send that one again, or revoke it first."), field="email"
        )


@service(may=may_administer)
def resend_invitation(principal: Principal, *, invitation: Invitation, now: datetime) -> Invitation:
    """Send a new email with a new link; the old link stops working. Raises ServiceError if the address was invited
    again since.
    """
    lock_admins()
    invitation = Invitation.objects.select_for_update().get(pk=invitation.pk)
    if invitation.accepted_at:
        raise ServiceError(_("The invitation has already been accepted."))
    _require_free(invitation.email, now, but=invitation)
    invitation.salt, invitation.expires_at, invitation.revoked_at = new_salt(), now + VALID_FOR, None
    invitation.save(update_fields=["salt", "expires_at", "revoked_at"])
    return _send(invitation, principal)


@service(may=may_administer)
def revoke_invitation(principal: Principal, *, invitation: Invitation, now: datetime) -> Invitation:
    invitation = Invitation.objects.select_for_update().get(pk=invitation.pk)
    if invitation.accepted_at:
        raise ServiceError(_("The invitation has already been accepted."))
    if invitation.revoked_at is None:
        invitation.revoked_at = now
        invitation.save(update_fields=["revoked_at"])
    return invitation


@transaction.atomic
def accept_invitation(*, invitation: Invitation, name: str, password: str, now: datetime) -> User:
    """Accept an invitation: the invited person becomes a user. Raises ServiceError for a closed invitation or a weak password."""
    invitation = Invitation.objects.select_for_update().get(pk=invitation.pk)
    if state_of(invitation, now) != "open":
        raise ServiceError(_("This invitation is no longer open."), code="closed")
    if User.objects.filter(email__iexact=invitation.email).exists():
        raise ServiceError(_("A colleague already has this email address. Sign in instead."), code="closed")
    user = User(email=invitation.email, name=" ".join(name.split()), roles=invitation.roles)
    set_first_password(user, password)
    user.save()
    if invitation.team is not None and not invitation.team.is_archived:
        TeamMembership.objects.create(team=invitation.team, user=user)
    invitation.accepted_at, invitation.user = now, user
    invitation.save(update_fields=["accepted_at", "user"])
    return user


def set_first_password(user: User, password: str, field: str = "password1") -> None:
    """Set the password. Raises ServiceError (on `field`) if it is too weak."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise ServiceError(" ".join(error.messages), field=field) from error
    user.set_password(password)


def open_invitations(now: datetime):
    return Invitation.objects.filter(accepted_at=None, revoked_at=None, expires_at__gt=now)


def state_of(invitation: Invitation, now: datetime) -> str:
    """open, accepted, revoked or expired."""
    if invitation.accepted_at:
        return "accepted"
    if invitation.revoked_at:
        return "revoked"
    return "open" if invitation.expires_at > now else "expired"


def link_to_pass_on(principal: Principal, *, invitation: Invitation, now: datetime) -> str:
    """The link that the inviting colleague passes on while no mail server is set; "" for anyone else."""
    is_theirs = invitation.invited_by_id == principal.user_id and may_administer(principal)
    if not (settings.MAIL_IS_CAPTURED and is_theirs and state_of(invitation, now) == "open"):
        return ""
    return real_links({"": JOIN_LINK.in_mail(invitation)})[""]


def waiting(now: datetime):
    """Open invitations, and those that ended unaccepted within the last month."""
    return Invitation.objects.filter(Q(accepted_at=None), expires_at__gt=now - timedelta(days=30)).select_related(
        "team", "invited_by"
    )


def _send(invitation: Invitation, principal: Principal) -> Invitation:
    invitation.token_hash = hash_token(JOIN_LINK.token(invitation))
    invitation.save(update_fields=["token_hash"])
    mail_invitation(invitation, invited_by=principal.user)
    return invitation
