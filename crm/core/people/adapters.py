"""Settings of the login library: no sign-up, and links in mails never depend on the request."""

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.utils import user_pk_to_url_str

from crm.core.people.services.passwords import send_reset_link


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request) -> bool:
        return False

    def send_password_reset_mail(self, user, email, context) -> None:
        send_reset_link(user=user, uid=user_pk_to_url_str(user))


def user_display(user) -> str:
    return user.name
