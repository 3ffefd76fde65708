"""The kernel's mails; each writes one outbox row. Links are placeholders: they are put in when the mail leaves."""

from typing import Any

from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.core.base.secret_links import SecretLink
from crm.core.firm.queries import get_firm
from crm.core.mail.kinds import MailKind
from crm.core.mail.models import OutboxMail
from crm.core.mail.services.outbox import queue_mail
from crm.core.users.models import Invitation, User

ACCOUNT = MailKind("account", gettext_lazy("Login and password"), 10, User, is_secret=True)
INVITATION = MailKind("invitation", gettext_lazy("Invitation"), 20, Invitation, is_secret=True)
LINK = "[[link]]"
JOIN_LINK = SecretLink(
    "invitation", "/join/{id}/{token}/", lambda: Invitation.objects.select_related("invited_by"), is_stored=True
)
RESET_LINK = SecretLink("password-reset", "/accounts/password/reset/key/{uid}-{stamp}.{token}/", User.objects.all)


def mail_invitation(invitation: Invitation, *, invited_by: User) -> OutboxMail:
    context = {"invitation": invitation, "invited_by": invited_by, "firm": get_firm(), "link": LINK}
    mail, _made = queue_mail(
        key=f"invitation:{invitation.pk}:{invitation.token_hash[:16]}",
        kind=INVITATION.key,
        cause=invitation,
        to_address=invitation.email,
        to_name=invitation.name,
        subject=_("%(name)s invites you to %(firm)s on Rapport") % {"name": invited_by.name, "firm": get_firm().name},
        text=render_to_string("core/people/mail/invitation.txt", context),
        links={LINK: JOIN_LINK.in_mail(invitation)},
        expires_at=invitation.expires_at,
    )
    return mail


def mail_password_reset(user: User, *, link: dict[str, Any], key: str) -> OutboxMail:
    context = {"user": user, "firm": get_firm(), "link": LINK}
    mail, _made = queue_mail(
        key=key,
        kind=ACCOUNT.key,
        cause=user,
        to_address=user.email,
        to_name=user.name,
        user=user,
        subject=_("Set a new password for Rapport"),
        text=render_to_string("core/people/mail/password_reset.txt", context),
        links={LINK: link},
    )
    return mail
