"""The webhook for bounces and complaints. Closed until MAIL_WEBHOOK_SECRET is set."""

from contextlib import contextmanager
from importlib import import_module

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import SuspiciousOperation
from django.http import Http404
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

VIEWS = {
    "brevo": "BrevoTrackingWebhookView",
    "mailersend": "MailerSendTrackingWebhookView",
    "mailgun": "MailgunTrackingWebhookView",
    "mailjet": "MailjetTrackingWebhookView",
    "mailtrap": "MailtrapTrackingWebhookView",
    "mandrill": "MandrillCombinedWebhookView",
    "postmark": "PostmarkTrackingWebhookView",
    "resend": "ResendTrackingWebhookView",
    "sendgrid": "SendGridTrackingWebhookView",
    "sparkpost": "SparkPostTrackingWebhookView",
}
SIGNED = frozenset({"mailersend", "mailgun", "mandrill"})  # the library accepts nothing from them without their key


@csrf_exempt
@login_not_required
@require_http_methods(["POST", "HEAD"])
def mail_events(request, provider):
    """The library checks name, password and signature (400 if they are wrong) and calls the receivers in
    `provider_events`.
    """
    is_closed = provider in SIGNED and not settings.MAIL_WEBHOOK_SIGNING_KEY
    if not settings.MAIL_WEBHOOK_SECRET or provider not in VIEWS or is_closed:
        raise Http404
    view = getattr(import_module(f"anymail.webhooks.{provider}"), VIEWS[provider])
    return type(view.__name__, (_Guarded, view), {}).as_view()(request)


# What the library raises for a malformed body, such as a million nested brackets or an absurd year.
ODD = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, AssertionError)


class _Guarded:
    """Answers 400 to a body that the provider's parser cannot read."""

    def run_validators(self, request):
        with _bad_request():
            super().run_validators(request)  # type: ignore[misc]

    def parse_events(self, request):
        with _bad_request():
            return super().parse_events(request)  # type: ignore[misc]


@contextmanager
def _bad_request():
    try:
        yield
    except ODD as error:
        raise SuspiciousOperation("The body is no event of this provider.") from error
