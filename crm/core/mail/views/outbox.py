"""The outbox: what was sent, when, to whom, and what the server said."""

from csp.decorators import csp
from django.apps import apps
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET, require_POST

from crm.core.base.errors import ServiceError
from crm.core.base.kept import Kept
from crm.core.mail import kinds
from crm.core.mail.choices import MAIL_UNSENT, MailState
from crm.core.mail.delivery import message
from crm.core.mail.delivery.decisions import (
    MAY_SEND_AGAIN,
    cancel_mail,
    mark_arrived,
    release_mail,
    send_again,
)
from crm.core.mail.forms import TONES
from crm.core.mail.models import OutboxMail
from crm.core.ui.htmx import is_from_here, render_page

# The mail is shown in its own frame under this policy: no scripts, no external resources, its own inline styles.
FRAME_POLICY = {
    "default-src": ["'none'"],
    "style-src": ["'unsafe-inline'"],
    "img-src": ["data:"],
    "frame-ancestors": ["'self'"],
    "sandbox": "",
}


def may_read(principal, mail: OutboxMail) -> bool:
    """Only the addressee may read a digest about several clients: an admin sees that it was sent, not its text."""
    return mail.client_id is not None or mail.user_id in (None, principal.user_id)


def may_open_links(request, mail: OutboxMail) -> bool:
    """In a demo on this machine an admin may open the recipient's links: no mail is sent, and the data is made up."""
    may = settings.MAIL_IS_CAPTURED and request.principal.is_admin and is_from_here(request)
    return may and is_about_demo(mail)


def is_about_demo(mail: OutboxMail) -> bool:
    if mail.cause_id is None:
        return False
    cause = apps.get_model(mail.cause_kind)._default_manager.filter(pk=mail.cause_id).first()
    return bool(getattr(cause, "is_demo", False))


@Kept
def _mail(principal, *, pk: int):
    return OutboxMail.objects.visible_to(principal).filter(pk=pk)


def get_mail(request, pk) -> OutboxMail:
    return _mail.one(request.principal, pk=pk)


@require_GET
def outbox_mail(request, pk):
    mail = get_mail(request, pk)
    is_readable = may_read(request.principal, mail)
    context = {
        "mail": mail,
        "crumbs": [{"label": _("Outbox"), "url": reverse("core:outbox")}, {"label": mail.to_name or mail.to_address}],
        "tone": "" if mail.is_kept_here else TONES.get(mail.state, ""),
        "kind_text": kinds.label_of(mail.kind),
        "is_earlier": kinds.has_cause(mail.kind) and mail.cause_id is None,
        "is_readable": is_readable,
        "text": message.text_for_display(mail) if is_readable else "",
        "has_html": is_readable and bool(message.html_for_display(mail)),
        "headers": message.header_rows(mail),
        "attempts": mail.delivery_attempts.all()[:50],
        "may_cancel": mail.state in MAIL_UNSENT,
        "may_send_again": mail.state in MAY_SEND_AGAIN,
        "is_uncertain": mail.state == MailState.UNCERTAIN,
        "is_held": mail.state == MailState.HELD,
        "attachments": mail.attachments.select_related("file"),
        "is_captured": settings.MAIL_IS_CAPTURED,
        "demo_links": [*message.real_links(mail.links).values()] if may_open_links(request, mail) else [],
    }
    return render_page(request, "core/mail/mail.html", context)


@require_GET
@xframe_options_sameorigin
@csp(FRAME_POLICY)
def outbox_body(request, pk):
    """The HTML part alone, links masked, for the sandboxed frame on the mail's page."""
    mail = get_mail(request, pk)
    return HttpResponse(message.html_for_display(mail) if may_read(request.principal, mail) else "")


@require_POST
def outbox_cancel(request, pk):
    return _decide(request, pk, lambda mail: cancel_mail(request.principal, mail=mail), _("Cancelled"))


@require_POST
def outbox_arrived(request, pk):
    return _decide(
        request,
        pk,
        lambda mail: mark_arrived(request.principal, mail=mail, now=timezone.now()),
        _("Marked as delivered"),
    )


@require_POST
def outbox_again(request, pk):
    return _decide(
        request,
        pk,
        lambda mail: send_again(request.principal, mail=mail, now=timezone.now()),
        _("Will be sent again"),
    )


@require_POST
def outbox_release(request, pk):
    return _decide(
        request,
        pk,
        lambda mail: release_mail(request.principal, mail=mail, now=timezone.now()),
        _("Will be sent"),
    )


def _decide(request, pk, decide, said):
    mail = get_mail(request, pk)
    try:
        pk = decide(mail).pk
        messages.success(request, said)
    except ServiceError as error:
        messages.error(request, error.message)
    return redirect("core:outbox_mail", pk=pk)
