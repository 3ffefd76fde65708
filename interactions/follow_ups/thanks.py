"""The thank-you after a referral: a follow-up with whoever referred."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from clients.contacts.models import Affiliation
from clients.records.models import Client
from clients.referrals.models import Referral
from crm.core.base.errors import ServiceError
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.firm.calendar import next_working_day
from crm.core.firm.queries import get_firm
from interactions import permissions
from interactions.follow_ups.choices import FollowUpState, SourceKind
from interactions.follow_ups.models import FollowUp
from interactions.follow_ups.services import create_follow_up


def thanked(referrals: Sequence[Referral]) -> set[int]:
    """Those for which a thank-you was planned and not cancelled."""
    rows = FollowUp.objects.filter(source_kind=SourceKind.REFERRAL, source_id__in=[row.pk for row in referrals])
    return set(rows.exclude(state=FollowUpState.CANCELLED).values_list("source_id", flat=True))


def not_thanked(referrals: Sequence[Referral]) -> set[int]:
    return {row.pk for row in referrals} - thanked(referrals)


@service(may=permissions.may_thank, why=permissions.IN_TRASH)
def plan_thanks(principal: Principal, *, referral: Referral, now: datetime) -> FollowUp:
    """A follow-up of the principal by the next working day: with the referring client, or the contact at a client that the principal sees;
    for somebody else, with the client that was referred. It never names the referred client to those who see only the referrer. Raises
    ServiceError when it is planned already.
    """
    row = (
        Referral.objects.select_for_update(of=("self",))
        .select_related("client", "by_client", "by_contact")
        .get(pk=referral.pk)
    )
    if thanked([row]):
        raise ServiceError(_("A thank-you is planned already."))
    with_client = row.client if row.by_source else row.by_client or _client_of(principal, row.by_contact)
    day = next_working_day(get_firm(), now)
    return create_follow_up(
        principal,
        client=with_client,
        contact=row.by_contact if with_client else None,
        title=(_("Thank %(name)s for the referral") % {"name": row.referrer})[:200],
        due_date=day,
        source_kind=SourceKind.REFERRAL,
        source_id=row.pk,
        now=now,
    )


def _client_of(principal: Principal, contact: Any) -> Client | None:
    """The client where the contact is reached: their main one first, of those that the principal may work with."""
    places = Affiliation.objects.visible_to(principal).filter(Q(left_date__isnull=True), contact=contact)
    found = (
        places.filter(client__archived_at__isnull=True).select_related("client").order_by("-is_primary", "pk").first()
    )
    return found.client if found and permissions.may_log(principal, found.client) else None


def thanks_url(referral: Referral) -> str:
    return reverse("interactions:referral-thanks", args=[referral.pk])
