"""The kernel's emails; each function writes one outbox row. Links are placeholders, filled in when the email is
sent.
"""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.core.base.secret_links import SecretLink
from crm.core.firm.queries import get_firm
from crm.core.mail.kinds import MailKind, Resend
from crm.core.mail.models import OutboxMail
from crm.core.mail.services.outbox import queue_mail
from crm.core.users.models import Invitation, User

LINK = "[[link]]"
JOIN_LINK = SecretLink(
    "invitation", "/join/{id}/{token}/", lambda: Invitation.objects.select_related("invited_by"), is_stored=True
)
RESET_LINK = SecretLink("password-reset", "/accounts/password/reset/key/{uid}-{stamp}.{token}/", User.objects.all)
ACCOUNT = MailKind(
    "account",
    gettext_lazy("Login and password"),
    cause=User,
    templates="core/people/mail/password_reset",
    resend=Resend.BY_ITSELF,
    is_secret=True,
)
INVITATION = MailKind(
    "invitation",
    gettext_lazy("Invitation"),
    cause=Invitation,
    templates="core/people/mail/invitation",
    resend=Resend.BY_ITSELF,
    links={LINK: JOIN_LINK},
    is_secret=True,
)


def mail_invitation(invitation: Invitation, *, invited_by: User) -> OutboxMail:
    text, _html = INVITATION.render({"invitation": invitation, "invited_by": invited_by, "link": LINK})
    mail, _made = queue_mail(
        key=f"invitation:{invitation.pk}:{invitation.token_hash[:16]}",
        kind=INVITATION,
        cause=invitation,
        to_address=invitation.email,
        to_name=invitation.name,
        subject=_("%(name)s invites you to %(firm)s on Rapport") % {"name": invited_by.name, "firm": get_firm().name},
        text=text,
        expires_at=invitation.expires_at,
    )
    return mail


def mail_password_reset(user: User, *, link: dict[str, Any], key: str) -> OutboxMail:
    text, _html = ACCOUNT.render({"user": user, "link": LINK})
    mail, _made = queue_mail(
        key=key,
        kind=ACCOUNT,
        cause=user,
        to=user,
        subject=_("Set a new password for Rapport"),
        text=text,
        links={LINK: link},
    )
    return mail
