"""Sending what the outbox holds: claimed row by row, each handed to the server once.

`claims` moves rows between states, `relay` speaks SMTP, `message` builds the mail, `breaker` waits for a relay that is
away, `settle` sweeps what a killed sender left, `decisions` is what people do with a row, `health` what pages tell of it.
"""

from crm.core.services.delivery.decisions import cancel_mail, mark_arrived, send_again
from crm.core.services.delivery.deliverer import deliver_due

__all__ = ["cancel_mail", "deliver_due", "mark_arrived", "send_again"]
