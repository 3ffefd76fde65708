"""Decisions and commitments as the search finds them: by the words of their text."""

from typing import Any

from django.db.models import F, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from clients.gate import among_few
from crm.core.search.branches import IN_TEXT, Ask, Found, by_text, found
from crm.core.search.sources import Hit
from interactions.agreements.choices import CommitmentState
from interactions.agreements.models import Commitment, Decision


def _found(ask: Ask, model: Any, source: str, **columns: Any) -> list[QuerySet]:
    """The newest first."""
    if not ask.typed.said:
        return []
    rows = model.objects.visible_to(ask.principal).filter(client__archived_at=None)
    rows = rows.filter(among_few(ask.principal)) if ask.is_few else rows

    def make(chosen: QuerySet) -> QuerySet:
        return found(chosen, source, IN_TEXT, title=F("text"), client=F("client__name"), text=F("client_id"), **columns)

    return by_text(ask, rows, make, recent="id")


def find_decisions(ask: Ask) -> list[QuerySet]:
    return _found(ask, Decision, "decisions", at=F("decided_date"))


def find_commitments(ask: Ask) -> list[QuerySet]:
    return _found(ask, Commitment, "commitments", at=F("created_at"), state=F("state"))


def _hit(row: Found, kind: str, part: str) -> Hit:
    url = f"{reverse('interactions:agreed', args=[int(row.text)])}#{part}-{row.pk}"
    state = str(CommitmentState(row.state).label) if row.state else ""
    return Hit(title="", text=row.title, url=url, kind=kind, icon="check2", detail=state, client=row.client)


def decision_hit(row: Found) -> Hit:
    return _hit(row, _("Decision"), "decision")


def commitment_hit(row: Found) -> Hit:
    return _hit(row, _("Commitment"), "promise")
