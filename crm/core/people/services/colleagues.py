"""Colleagues: roles, disabling, teams. Invitations are in `services.invitations`."""

from datetime import datetime

from django.contrib.sessions.models import Session
from django.utils.translation import gettext as _

from crm.core.base.archiving import set_archived
from crm.core.base.errors import ServiceError
from crm.core.base.permissions import may_administer
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.base.versions import save_version
from crm.core.mail.models import OutboxMail
from crm.core.people import reassignment
from crm.core.ui.formatting import one_line
from crm.core.users.choices import Role
from crm.core.users.models import ApiToken, Team, TeamMembership, User

OWN_FIELDS = ("name", "title", "time_zone", "theme", "has_shortcuts", "reminders", "digest_hour")


def lock_admins() -> list[User]:
    """Lock the active admins, so that changes of the whole staff happen one after the other."""
    return list(User.objects.active().with_role(Role.ADMIN).select_for_update().order_by("pk"))


def _keep_an_admin(admins: list[User], user: User) -> None:
    if [admin.pk for admin in admins] == [user.pk]:
        raise ServiceError(
            _("%(name)s is the only admin. Make someone else an admin first.") % {"name": user.name},
            field="roles",
            code="last_admin",
        )


@service(may=may_administer)
def update_user(
    principal: Principal, *, user: User, seen_version: int | None = None, teams: list[Team] | None = None, **fields
) -> User:
    """Change a colleague: `email name title roles time_zone`, and the teams they are in. Raises ServiceError for the last admin."""
    admins = lock_admins()
    user = User.objects.select_for_update().get(pk=user.pk)
    if "roles" in fields:
        fields["roles"] = _in_order(fields["roles"])
        if Role.ADMIN not in fields["roles"] and user.is_admin and user.is_active:
            _keep_an_admin(admins, user)
    if "email" in fields:
        fields["email"] = _free_address(fields["email"], but=user)
    for name, value in fields.items():
        setattr(user, name, _one_line(name, value))
    save_version(user, fields=[*fields], seen=seen_version)
    if teams is not None:
        _set_teams(user, teams)
    return user


@service(may=None)
def update_profile(principal: Principal, **fields) -> User:
    """Change one's own profile."""
    if unknown := set(fields) - set(OWN_FIELDS):
        raise ValueError(f"not a user's own to change: {unknown}")
    user = User.objects.select_for_update().get(pk=principal.user_id)
    for name, value in fields.items():
        setattr(user, name, _one_line(name, value))
    save_version(user, fields=[*fields], seen=None)
    return user


def _one_line(field: str, value):
    """A name goes into mail headers."""
    return one_line(value) if field in ("name", "title") else value


@service(may=may_administer)
def disable_user(principal: Principal, *, user: User, now: datetime, hand_over_to: User | None = None) -> User:
    """Disable a colleague: sessions end, tokens are revoked, and their work can be reassigned."""
    admins = lock_admins()
    user = User.objects.select_for_update().get(pk=user.pk)
    if not user.is_active:
        return user
    _keep_an_admin(admins, user)
    if hand_over_to is not None:
        if hand_over_to.pk == user.pk or not hand_over_to.is_active:
            raise ServiceError(_("Choose a colleague with an active account."), field="hand_over_to")
        reassignment.reassign_all(principal, user=user, to=hand_over_to, now=now)
    user.is_active, user.disabled_at = False, now
    save_version(user, fields=["is_active", "disabled_at"], seen=None)
    revoke_tokens(user=user, now=now)
    end_sessions(user=user)
    OutboxMail.objects.filter(user=user).withdraw(_("Can no longer sign in"), now=now)
    return user


@service(may=may_administer)
def enable_user(principal: Principal, *, user: User) -> User:
    """Enable a colleague again. Sessions and tokens stay ended."""
    user = User.objects.select_for_update().get(pk=user.pk)
    if not user.is_active:
        user.is_active, user.disabled_at = True, None
        save_version(user, fields=["is_active", "disabled_at"], seen=None)
    return user


@service(may=None)
def sign_out_everywhere(principal: Principal, *, but: str | None = None, now: datetime) -> int:
    """End one's own sessions, except the one with the key `but`, and one's API tokens. Returns how many tokens."""
    end_sessions(user=principal.user, but=but)
    return revoke_tokens(user=principal.user, now=now)


def revoke_tokens(*, user: User, now: datetime) -> int:
    """Revoke all API tokens: someone with the password or a session may have created one."""
    return ApiToken.objects.filter(user=user, revoked_at=None).update(revoked_at=now)


def end_sessions(*, user: User, but: str | None = None) -> int:
    """End the user's sessions, except the one with the key `but`. Returns the number ended."""
    keys = [
        row.session_key
        for row in Session.objects.exclude(session_key=but).iterator()
        if row.get_decoded().get("_auth_user_id") == str(user.pk)
    ]
    Session.objects.filter(session_key__in=keys).delete()
    return len(keys)


@service(may=may_administer)
def save_team(
    principal: Principal,
    *,
    team: Team | None = None,
    name: str,
    lead: User | None,
    members: list[User],
    seen_version: int | None = None,
) -> Team:
    """Create or change a team. The lead is a member."""
    if team is None:
        team = Team.objects.create(name=name, lead=lead)
    else:
        team = Team.objects.select_for_update().get(pk=team.pk)
        team.name, team.lead = name, lead
        save_version(team, fields=["name", "lead"], seen=seen_version)
    wanted = {user.pk for user in members} | ({lead.pk} if lead else set())
    team.memberships.exclude(user_id__in=wanted).delete()
    TeamMembership.objects.bulk_create(
        [TeamMembership(team=team, user_id=pk) for pk in sorted(wanted)], ignore_conflicts=True
    )
    return team


@service(may=may_administer)
def archive_team(principal: Principal, *, team: Team, now: datetime) -> Team:
    """Archive a team: it is no longer offered, and clients keep it until they are moved."""
    return set_archived(team, at=now)[0]


@service(may=may_administer)
def restore_team(principal: Principal, *, team: Team) -> Team:
    return set_archived(team, at=None)[0]


def _set_teams(user: User, teams: list[Team]) -> None:
    wanted = {team.pk for team in teams}
    user.memberships.filter(team__archived_at=None).exclude(team_id__in=wanted).delete()
    TeamMembership.objects.bulk_create(
        [TeamMembership(team_id=pk, user=user) for pk in sorted(wanted)], ignore_conflicts=True
    )


def _in_order(roles) -> list[str]:
    return [role for role in Role.values if role in set(roles)]


def _free_address(email: str, but: User | None = None) -> str:
    email = email.strip()
    taken = User.objects.filter(email__iexact=email)
    if but is not None:
        taken = taken.exclude(pk=but.pk)
    if taken.exists():
        raise ServiceError(_("This email address is already taken."), field="email")
    return email
