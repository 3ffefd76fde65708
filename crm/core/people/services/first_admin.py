"""The first admin: from the environment, or through a set-up page that a one-time code from the terminal opens."""

import hmac
import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.core.base.errors import ServiceError
from crm.core.base.principals import acting
from crm.core.base.secret_links import hash_token
from crm.core.firm.services import update_firm
from crm.core.people.services.invitations import set_first_password
from crm.core.users.choices import Role
from crm.core.users.models import User
from crm.core.work.models import Heartbeat

CODE_ROW = "setup-code"
CODE_VALID_FOR = timedelta(days=2)


def is_needed() -> bool:
    """Whether there is no admin who can sign in."""
    return not User.objects.active().with_role(Role.ADMIN).exists()


@transaction.atomic
def new_code(*, now: datetime) -> str:
    """A one-time code for the set-up page. It replaces an earlier one; only its hash is stored."""
    code = secrets.token_urlsafe(24)
    Heartbeat.objects.update_or_create(name=CODE_ROW, defaults={"finished_at": now, "note": hash_token(code)})
    return code


def code_is_good(code_hash: str, *, now: datetime) -> bool:
    """Whether it is the hash of the current set-up code."""
    row = Heartbeat.objects.filter(name=CODE_ROW, finished_at__gt=now - CODE_VALID_FOR).first()
    return row is not None and hmac.compare_digest(row.note.encode(), code_hash.encode()) and is_needed()


@transaction.atomic
def create_first_admin(*, email: str, person_name: str, password: str, code_hash: str | None = None, **firm) -> User:
    """Create the first admin and set the firm's name, zone, currency and country.

    With `code_hash` the code is used up. Raises ServiceError if there already is an admin, the code is wrong, or the
    password is weak.
    """
    Heartbeat.objects.select_for_update().filter(name=CODE_ROW).first()
    if not is_needed():
        raise ServiceError(_("There is already an admin."), code="closed")
    if code_hash is not None and not code_is_good(code_hash, now=timezone.now()):
        raise ServiceError(_("The code has expired. Get a new one with manage.py first_admin."), code="closed")
    if User.objects.filter(email__iexact=email).exists():
        raise ServiceError(_("This email address is already taken."), field="email")
    user = User(email=email, name=" ".join(person_name.split()), roles=[Role.ADMIN, Role.MANAGER])
    set_first_password(user, password)
    user.save()
    update_firm(acting(user), is_set_up=True, **firm)
    Heartbeat.objects.filter(name=CODE_ROW).delete()
    return user
