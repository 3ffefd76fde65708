"""One decision about several mails."""

from collections import Counter
from datetime import datetime

from django.db.models import QuerySet

from crm.core.base.errors import ServiceError
from crm.core.base.principals import Principal
from crm.core.mail.delivery.decisions import mark_arrived, send_again

AT_ONCE = 500


def decide_mails(principal: Principal, *, mails: QuerySet, action: str, now: datetime) -> tuple[int, dict[str, int]]:
    """(how many were decided, {reason: how many were left alone}). `action`: "arrived" or "again". `mails` are those the actor
    may see; each is decided on its own, so that one somebody else decided meanwhile stops no other."""
    decide = {"arrived": mark_arrived, "again": send_again}[action]
    done, refused = 0, Counter[str]()
    for mail in mails.order_by("pk")[:AT_ONCE]:
        try:
            decide(principal, mail=mail, now=now)
            done += 1
        except ServiceError as error:
            refused[error.message] += 1
    return done, dict(refused)
