"""The gate: which clients a user may see.

`visible_q` is the one definition; every `visible_to(principal)` of rows that concern a client uses it.
"""

import time
from functools import lru_cache
from typing import Any

from django.db.models import Q, QuerySet

from crm.core.base.arrays import Within
from crm.core.base.kept import QUARTER, Kept
from crm.core.firm.choices import AccountManagersSee
from crm.core.firm.queries import get_firm
from crm.core.users.choices import Role
from crm.core.users.models import User


def visible_q(principal, prefix: str = "", key: str = "pk") -> Q:
    """The condition under which the principal may see a client, reached through `prefix` (such as "client__"). `key`: its id there,
    "pgh_obj_id" in its versions.

    Only its owner and the colleagues in ClientAccess see a restricted client; no role and no cover overrides this.
    Managers and admins see all others. Account managers see all, their teams' and their own, or only their own, as the
    firm chose, and the unrestricted clients of colleagues they cover for now. The system sees all; contacts and links
    see nothing.
    """
    if principal.is_system:
        return Q()
    if not principal.is_user:
        return Q(pk__in=[])
    user = principal.viewer
    own, open_to_all = Q(**{f"{prefix}owner": user}), Q(**{f"{prefix}is_restricted": False})
    if not (principal.sees_all or principal.is_account_manager):
        return Q(pk__in=[])
    if principal.sees_all or (scope := get_firm().account_managers_see) == AccountManagersSee.ALL:
        return open_to_all | own | Q(**{f"{prefix}{key}__in": _named_ids(user)})
    open_to = Q(Within(f"{prefix}owner", _absent_ids(user)))
    if scope == AccountManagersSee.TEAM:
        open_to |= Q(Within(f"{prefix}team", _team_ids(user)))
    return open_to_all & open_to | own | Q(Within(f"{prefix}{key}", _named_ids(user)))


FEW = 2_000  # clients, up to which their rows are looked up by client


def _scope(principal) -> str:
    """Which clients an account manager sees, restricted ones aside; ALL for everybody else."""
    if not principal.is_user or principal.sees_all or not principal.is_account_manager:
        return AccountManagersSee.ALL
    return get_firm().account_managers_see


def _named_by(principal) -> list[QuerySet]:
    """(id) of the clients that an account manager who does not see all may see at most, each by an index: what `visible_q` allows is among
    them.
    """
    user = principal.viewer
    everyone = user.owned_clients.model._base_manager
    covered = everyone.filter(Within("owner", _absent_ids(user))).values_list("pk")
    named = [user.owned_clients.values_list("pk"), user.client_accesses.values_list("client_id"), covered]
    if _scope(principal) == AccountManagersSee.TEAM:
        named.append(everyone.filter(team__in=_team_ids(user)).values_list("pk"))
    return [rows.order_by() for rows in named]


def has_few(principal) -> bool:
    """Whether the principal sees at most 2,000 clients, so that a search begins with these. Known for a quarter of an hour: it only decides
    in which way rows are looked up, never which.
    """
    scope = _scope(principal)
    return scope != AccountManagersSee.ALL and _counted_few(principal, scope, int(time.time()) // QUARTER)


@lru_cache(maxsize=1000)
def _counted_few(principal, scope: str, quarter: int) -> bool:
    return len(_few.rows(principal)) <= FEW


@Kept
def _few(principal) -> QuerySet:
    first, *others = _named_by(principal)
    return first.union(*others, all=True)[: FEW + 1]


def among_few(principal, column: str = "client_id") -> Q:
    """The condition that a row belongs to these clients, beside the gate: looked up by client. Only for whom `has_few`."""
    return Q(Within(column, *_named_by(principal)))


def own_q(ask: Any, column: str = "client__owner") -> Q:
    """The condition that a row belongs to one of the clients of who searches."""
    return Q(**{column: ask.principal.user})


def circumstances(principal) -> tuple[Any, ...]:
    """What decides which clients the principal sees besides the clients themselves and who is named on them: a copy of their rows
    is good as long as it stays the same.
    """
    if not principal.is_user or principal.sees_all:
        return (principal.is_user, principal.sees_all)
    user = principal.viewer
    teams = {row["team_id"] for row in _team_ids(user)}
    absent = {row["absent_id"] for row in _absent_ids(user)}
    return (principal.is_account_manager, str(get_firm().account_managers_see), sorted(teams), sorted(absent))


def may_see(principal, client) -> bool:
    return type(client).objects.filter(visible_q(principal), pk=client.pk).exists()


def viewers(client, *, is_restricted: bool) -> QuerySet[User]:
    """The active colleagues who see the client, given `is_restricted`: `visible_q` from the client's side."""
    found = Q(pk=client.owner_id) | Q(pk__in=client.accesses.values("user"))
    if not is_restricted:
        found |= Q(roles__overlap=[Role.MANAGER, Role.ADMIN])
        scope, managers = get_firm().account_managers_see, Q(roles__contains=[Role.ACCOUNT_MANAGER])
        if scope == AccountManagersSee.ALL:
            found |= managers
        elif scope == AccountManagersSee.TEAM and client.team_id:
            found |= managers & Q(pk__in=client.team.memberships.values("user"))
        found |= managers & Q(pk__in=client.owner.absences.running_now().values("covering"))
    return User.objects.active().filter(found).order_by("name", "pk")


def _named_ids(user):
    return user.client_accesses.values("client_id")


def _absent_ids(user):
    """The colleagues whose clients this one covers today."""
    return user.covers.running_now().values("absent_id")


def _team_ids(user):
    return user.memberships.values("team_id")
