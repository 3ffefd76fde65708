"""One decision about several mails."""

from collections import Counter
from datetime import datetime

from django.db.models import QuerySet

from crm.core.base.errors import ServiceError
from crm.core.base.principals import Principal
from crm.core.mail.delivery.decisions import mark_arrived, send_again

AT_ONCE = 500


def decide_mails(principal: Principal, *, mails: QuerySet, action: str, now: datetime) -> tuple[int, dict[str, int]]:
    """Decide each of these visible mails on its own; `action` is "arrived" or "again". Returns (number decided, {reason: number
    left alone}): a mail that somebody else has settled stops no other."""
    decide = {"arrived": mark_arrived, "again": send_again}[action]
    done, refused = 0, Counter[str]()
    for mail in mails.order_by("pk")[:AT_ONCE]:
        try:
            decide(principal, mail=mail, now=now)
            done += 1
        except ServiceError as error:
            refused[error.message] += 1
    return done, dict(refused)
