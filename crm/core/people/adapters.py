"""Settings of the login library: no sign-up, links in emails never depend on the request, and wrong passwords lock out
only their sender.
"""

from ipaddress import ip_address, ip_network
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core import signing

from crm.core.people.services.passwords import send_reset_link

DEVICE_COOKIE, DEVICE_SALT, DEVICE_DAYS = "known_device", "rapport.known-device", 180
BLOCK = {4: 24, 6: 48}  # bits of an address that identify a network


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request) -> bool:
        return False

    def send_password_reset_mail(self, user, email, context) -> None:
        send_reset_link(user=user, uid=user_pk_to_url_str(user))

    def _get_login_attempts_cache_key(self, request, **credentials: Any) -> str:
        """Wrong passwords count per account and network, or per account and device if the person has signed in from
        that device before. A stranger elsewhere cannot lock anyone out. The library also limits each address.
        """
        login = credentials.get("email", credentials.get("username", "")).lower()
        return f"{login}|{_known_device(request, login) or _network(self.get_client_ip(request))}"

    def post_login(self, request, user, **named):
        """Remember the device; this grants no access by itself."""
        response = super().post_login(request, user, **named)
        response.set_cookie(
            DEVICE_COOKIE,
            signing.dumps(user.email.lower(), salt=DEVICE_SALT),
            max_age=DEVICE_DAYS * 24 * 3600,
            path=settings.LOGIN_PATH,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
        return response


def _known_device(request, login: str) -> str:
    """The mark of this device, if this person has signed in from it before."""
    value = request.COOKIES.get(DEVICE_COOKIE, "")
    try:
        known = signing.loads(value, salt=DEVICE_SALT, max_age=DEVICE_DAYS * 24 * 3600)
    except signing.BadSignature:
        return ""
    return f"device:{value}" if known == login else ""


def _network(address: str) -> str:
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(ip_network(f"{found}/{BLOCK[found.version]}", strict=False))


def user_display(user) -> str:
    return user.name
