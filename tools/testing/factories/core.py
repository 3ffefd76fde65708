"""Factories of the kernel's rows for tests."""

from datetime import UTC, datetime

from crm.core.base.principals import acting
from crm.core.firm.models import FirmSettings
from crm.core.mail.delivery.message import real_links
from crm.core.mail.models import OutboxMail
from crm.core.people.services.api_tokens import create_api_token
from crm.core.users.models import ApiToken, Team, TeamMembership, User

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"


def make_firm(**fields) -> FirmSettings:
    firm, _made = FirmSettings.objects.update_or_create(
        pk=1, defaults={"name": "Halden Advisory", "is_set_up": True} | fields
    )
    return firm


def make_person(*, name: str, roles=("account_manager",), password: str = "", **fields) -> User:
    fields.setdefault("email", name.lower().replace(" ", ".") + "@halden.example")
    user = User(name=name, roles=list(roles), **fields)
    user.set_password(password) if password else user.set_unusable_password()
    user.save()
    return user


def make_team(*, name: str = "Nordics", members=(), lead=None) -> Team:
    team = Team.objects.create(name=name, lead=lead)
    TeamMembership.objects.bulk_create([TeamMembership(team=team, user=user) for user in members])
    return team


def make_token(*, user: User, **fields) -> tuple[ApiToken, str]:
    return create_api_token(acting(user), user=user, **{"name": "Books"} | fields)


def path_in(mail: OutboxMail) -> str:
    """The path of the link in the mail as it is sent."""
    (address,) = real_links(mail.links).values()
    return "/" + address.split("/", 3)[3]
