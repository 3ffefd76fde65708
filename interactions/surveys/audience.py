"""Whom a survey would reach, and who is left out and why. Used by the preview, sending and the rule."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import models
from django.db.models import Case, Count, Exists, OuterRef, QuerySet, Subquery, When
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from clients.contacts.choices import Purpose
from clients.contacts.models import Affiliation, ContactEmail
from clients.contacts.queries import address_at, held_for, refuses_at
from crm.core.mail.models import Suppression
from interactions.surveys.choices import Asked
from interactions.surveys.models import Survey, SurveyInvitation

NAMES_SHOWN = 50


class LeftOut(models.TextChoices):
    """The reason why a contact is not asked; "" if they are."""

    NO = "", ""
    RESTRICTED = "restricted", _("restricted client: survey individually")
    NO_ADDRESS = "no_address", _("no email address")
    REFUSED = "refused", _("address takes no email")
    OPTED_OUT = "opted_out", _("unsubscribed from surveys")
    ASKED = "asked", _("surveyed recently")
    SAME = "same", _("already surveyed this period")
    TWICE = "twice", _("surveyed at another client in this list")


@dataclass(frozen=True)
class Person:
    contact_id: int
    client_id: int
    name: str
    client: str
    address: str
    time_zone: str
    is_demo: bool
    reason: LeftOut
    asked_at: datetime | None
    tries: int  # earlier invitations of this survey and period, of which none left


@dataclass
class Audience:
    people: list[Person] = field(default_factory=list)
    left_out: list[Person] = field(default_factory=list)

    def reasons(self) -> list[tuple[str, int]]:
        """(reason, number of people), the most frequent first."""
        return [
            (str(reason.label), n) for reason, n in Counter(person.reason for person in self.left_out).most_common()
        ]

    def add(self, person: Person) -> None:
        (self.left_out if person.reason else self.people).append(person)


def audience(
    clients: QuerySet, *, survey: Survey, who: str, when: datetime, period: str, is_mass: bool = True
) -> Audience:
    """The people the survey would reach at `when`, each once. `is_mass`: restricted clients are left out."""
    found, seen = Audience(), set()
    for person in people(clients, survey=survey, who=who, when=when, period=period, is_mass=is_mass):
        if person.contact_id in seen and not person.reason:
            person = Person(**vars(person) | {"reason": LeftOut.TWICE})
        if not person.reason:
            seen.add(person.contact_id)
        found.add(person)
    return found


def people(
    clients: QuerySet,
    *,
    survey: Survey,
    who: str,
    when: datetime,
    period: str,
    is_mass: bool,
    ignoring: int | None = None,
) -> Iterator[Person]:
    """The people of these clients. `ignoring`: the id of an invitation that does not count as asked."""
    since, last_client = when - timedelta(days=survey.pause_days), 0
    for row in _rows(clients, survey, period, ignoring).iterator(chunk_size=2000):
        if who == Asked.MAIN and row.client_id == last_client:
            continue
        last_client = row.client_id
        yield Person(
            contact_id=row.contact_id,
            client_id=row.client_id,
            name=row.contact.name,
            client=row.client.name,
            address=row.usable or "",
            time_zone=row.client.time_zone,
            is_demo=row.client.is_demo,
            reason=_reason(row, since, is_mass),
            asked_at=row.asked_here_at,
            tries=row.tries or 0,
        )


def _rows(clients: QuerySet, survey: Survey, period: str, ignoring: int | None) -> QuerySet:
    """The current contacts of these clients, the main contact of each first."""
    addresses = ContactEmail.objects.filter(contact=OuterRef("contact")).order_by("-is_primary", "id")
    stopped = Suppression.objects.annotate(folded=Lower("address")).filter(folded=Lower(OuterRef("address")))
    held = held_for(affiliation=OuterRef("pk"))
    asked = SurveyInvitation.objects.asked().filter(contact=OuterRef("contact")).exclude(pk=ignoring or 0)
    same = SurveyInvitation.objects.filter(contact=OuterRef("contact"), survey=survey.pk, period=period).order_by()
    return (
        Affiliation.objects.filter(client__in=clients.order_by().values("pk"))
        .current()
        .annotate(
            usable=address_at(held, usable=lambda found: found.filter(~Exists(stopped), refused_at__isnull=True)),
            has_address=Exists(addresses),
            is_opted_out=Case(When(refuses_at(held, Purpose.SURVEY), then=True), default=False),
            asked_at=Subquery(asked.order_by("-send_at").values("send_at")[:1]),
            asked_here_at=Subquery(  # the date at another client may be out of the viewer's sight
                asked.filter(client=OuterRef("client")).order_by("-send_at").values("send_at")[:1]
            ),
            tries=Subquery(same.values("contact").annotate(n=Count("pk")).values("n")),
            has_same=Exists(asked.filter(survey=survey.pk, period=period)),
        )
        .select_related("contact", "client")
        .only(
            "client_id",
            "contact_id",
            "is_primary",
            "contact__first_name",
            "contact__last_name",
            "client__name",
            "client__time_zone",
            "client__is_restricted",
            "client__is_demo",
        )
        .order_by("client_id", "-is_primary", "pk")
    )


def _reason(row, since: datetime, is_mass: bool) -> LeftOut:
    if is_mass and row.client.is_restricted:
        return LeftOut.RESTRICTED
    if not row.usable:
        return LeftOut.REFUSED if row.has_address else LeftOut.NO_ADDRESS
    if row.is_opted_out:
        return LeftOut.OPTED_OUT
    if row.asked_at and row.asked_at > since:
        return LeftOut.ASKED
    return LeftOut.SAME if row.has_same else LeftOut.NO
