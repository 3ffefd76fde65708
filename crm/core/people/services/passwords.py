"""Password reset links: derived, never stored, valid once and for three hours."""

import hashlib
import hmac
import time
import uuid

from django.utils.http import base36_to_int, int_to_base36

from crm.core.mail.models import OutboxMail
from crm.core.people.emails import RESET_LINK, mail_password_reset
from crm.core.users.models import User

VALID_SECONDS = 3 * 3600


class ResetTokens:
    """The login library's token generator. A token becomes invalid when the password, the address or the last login
    changes.
    """

    def make_token(self, user: User) -> str:
        stamp = int(time.time())
        return f"{int_to_base36(stamp)}.{RESET_LINK.token(user, _salt(user, stamp))}"

    def check_token(self, user: User | None, token: str | None) -> bool:
        stamp_text, _dot, given = (token or "").partition(".")
        try:
            stamp = base36_to_int(stamp_text)
        except ValueError:
            return False
        if user is None or not 0 <= time.time() - stamp <= VALID_SECONDS:
            return False
        return hmac.compare_digest(given, RESET_LINK.token(user, _salt(user, stamp)))


def send_reset_link(*, user: User, uid: str) -> OutboxMail:
    """Queue the email; its body holds a placeholder, and the link is derived when it is sent."""
    stamp = int(time.time())
    link = RESET_LINK.in_mail(user, salt=_salt(user, stamp), uid=uid, stamp=int_to_base36(stamp))
    return mail_password_reset(user, link=link, key=f"account:reset:{uuid.uuid4()}")


def _salt(user: User, stamp: int) -> str:
    state = f"{stamp}:{user.password}:{user.email}:{user.last_login}"
    return hashlib.sha256(state.encode()).hexdigest()
