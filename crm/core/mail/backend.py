"""Email backend: Django's `send_mail` (used by the login library) queues to the outbox like every other email."""

import uuid

from django.core.mail.backends.base import BaseEmailBackend

from crm.core.mail.services.outbox import queue_mail
from crm.core.users.models import User


class OutboxBackend(BaseEmailBackend):
    def send_messages(self, email_messages) -> int:
        written = 0
        for message in email_messages:
            html = next(
                (str(part.content) for part in getattr(message, "alternatives", []) if part.mimetype == "text/html"), ""
            )
            for address in message.recipients():
                user = User.objects.filter(email__iexact=address).first()
                queue_mail(
                    key=f"account:{uuid.uuid4()}",
                    kind="account",
                    to_address=address,
                    subject=str(message.subject),
                    text=str(message.body),
                    html=html,
                    user=user,
                    cause=user,
                )
                written += 1
        return written
