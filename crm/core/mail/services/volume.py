"""The volume guard: a planner that wants far more mails in a week than usual waits for an admin's approval.

It catches a wrong rule, a filter that matches everybody, a schedule set for all clients by mistake.
"""

from collections.abc import Sequence
from datetime import datetime
from statistics import median

from django.db import transaction

from crm.core.base.permissions import may_administer
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.mail.models import BlastQuestion

TIMES = 3
FEW = 25  # fewer need no approval


@transaction.atomic
def may_plan(*, kind: str, week: str, wanted: int, history: Sequence[int]) -> bool:
    """Whether a planner may bring a week to `wanted` emails in total. False while an approval is pending: plan nothing
    for that week.

    `history`: the number in each of the eight weeks before, oldest first, without the weeks before the first email
    ever.
    """
    usual = int(median(history)) if history else 0
    if wanted <= max(FEW, TIMES * usual):
        return True
    row, made = BlastQuestion.objects.get_or_create(kind=kind, week=week, defaults={"wanted": wanted, "usual": usual})
    if row.allowed is not None and wanted <= row.allowed:
        return True
    if row.allowed == 0:
        return False  # an admin declined this week
    if not made and wanted > row.wanted:  # more than was asked about: ask again
        BlastQuestion.objects.filter(pk=row.pk).update(wanted=wanted, decided_at=None, decided_by=None, allowed=None)
    return False


def is_left_out(*, kind: str, week: str) -> bool:
    """Whether an admin declined this week."""
    return BlastQuestion.objects.filter(kind=kind, week=week, allowed=0).exists()


@service(may=may_administer)
def answer(principal: Principal, *, question: BlastQuestion, let_through: bool, now: datetime) -> BlastQuestion:
    """Approve this week's emails, plus a tenth for what is added until they are planned; or leave the week out."""
    row = BlastQuestion.objects.select_for_update().get(pk=question.pk)
    row.allowed = row.wanted + row.wanted // 10 if let_through else 0
    row.decided_by, row.decided_at = principal.user, now
    row.save(update_fields=["allowed", "decided_by", "decided_at"])
    return row
