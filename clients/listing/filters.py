"""The filters of the client list: the same for page, files, bulk actions, survey audiences and the API."""

from datetime import timedelta
from functools import cached_property

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clients.contacts.fields import CONTACT_FIELDS
from clients.contacts.models import Affiliation, Contact
from clients.contacts.queries import find_contacts, is_part_of_address, mailed_at
from clients.cover.filters import InCare, in_care
from clients.cover.queries import covered_by
from clients.groups.queries import group_revenue, in_group
from clients.phones import bare_digits, digits_of
from clients.records.fields import CLIENT_FIELDS
from clients.records.models import Client
from clients.records.queries import matching
from clients.referrals.models import Referral
from clients.segments import queries as segments
from clients.segments.models import Segment
from crm.core.firm.queries import firm_today, get_firm
from crm.core.listing import filters


def _segments(found):
    return Segment.objects.visible_to(found.principal).kept().values_list("pk", "name")


class ClientFilters(InCare, filters.TrashFilters):
    """A segment that is gone, or broken, is never left out: it holds no clients, and the page says why; the API refuses a broken one."""

    catalogue = CLIENT_FIELDS
    q = filters.Search(method="search", label=_("name, city, website, email or phone"))
    quiet = filters.Yes(
        method="gone_quiet",
        label=_("Going quiet"),
        help_text=_("Past their contact target"),
        chip=_("Contact"),
        said=lambda value, principal: _("going quiet"),
    )
    group_of = filters.Id(
        method="of_group",
        label=_("Group"),
        help_text=_("A client with all its subsidiaries"),
        chip=_("Group of"),
        named=Client,
        offers=None,
    )
    group_revenue_from = filters.Number(method="of_group_revenue", label=_("Group revenue, 12 m, from"))
    group_revenue_to = filters.Number(method="of_group_revenue", label=_("Group revenue, 12 m, up to"))
    covered = filters.Yes(
        method="of_the_absent",
        label=_("I cover"),
        help_text=_("Clients of colleagues who are away"),
        chip=_("Only"),
        said=lambda value, principal: _("those I cover"),
    )
    in_care = in_care()
    referred_by_client = filters.Id(method="of_referrer", label=_("Referred by client"), named=Client, offers=None)
    referred_by_contact = filters.Id(method="of_referrer", label=_("Referred by contact"), named=Contact, offers=None)
    referred_by_source = filters.Text(method="of_source", label=_("Referred by somebody else"))
    updated_from = filters.Moment("updated_at", "gte", label=_("Changed since"))
    segment = filters.Id(
        method="of_segment",
        label=_("Segment"),
        chip=_("Segment:"),
        named=Segment,
        offers=_segments,
        any_label=_("None"),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.is_strict and "segment" in self.values and (why := self.chosen_segment.why):
            self.refused["segment"] = [why]

    @cached_property
    def chosen_segment(self) -> segments.Chosen:
        return segments.choose(self.principal, self.values["segment"])

    def of_segment(self, rows, name, value: int):
        return segments.in_segment(rows, self.chosen_segment, self.principal, self.now)

    def leave_out_unseen(self):
        kept = self.values.get("segment")
        super().leave_out_unseen()
        if kept is not None and "segment" in self.unseen:
            self.unseen.remove("segment")
            self.values["segment"] = kept

    @cached_property
    def remark(self) -> str:
        why = self.chosen_segment.why if "segment" in self.values else ""
        return " · ".join(filter(None, [super().remark, why]))

    def search(self, rows, name, value):
        return search(rows, value)

    def of_tier(self, rows, name, value):
        return rows.filter(tier__in=["" if tier == "none" else tier for tier in value])

    def with_tag(self, rows, name, value: int):
        return rows.filter(pk__in=Client.tags.through.objects.filter(tag=value).values("client_id"))

    def by_step(self, rows, name, value):
        if value == "none":
            return rows.filter(facts__next_step_at=None, facts__isnull=False)
        if value == "overdue":
            start_of_day = timezone.localtime(self.now).replace(hour=0, minute=0, second=0, microsecond=0)
            return rows.filter(facts__next_step_at__lt=start_of_day)
        return rows.filter(facts__next_step_at__gte=self.now, facts__next_step_at__lt=self.now + timedelta(days=7))

    def of_group(self, rows, name, value: int):
        return in_group(rows, self.principal, value)

    def of_group_revenue(self, rows, name, value):
        """With all subsidiaries that the principal sees."""
        if "group_revenue" not in rows.query.annotations:
            rows = rows.annotate(group_revenue=group_revenue(self.principal))
        return rows.filter(**{f"group_revenue__{'gte' if name.endswith('from') else 'lte'}": value})

    def of_the_absent(self, rows, name, value: bool):
        if not value:
            return rows
        return rows.filter(owner__in=covered_by(self.principal).values("absent"), is_restricted=False)

    def of_referrer(self, rows, name, value: int):
        return self._referred(rows, **{name.removeprefix("referred_"): value})

    def of_source(self, rows, name, value: str):
        return self._referred(rows, by_source__iexact=value.strip())

    def _referred(self, rows, **referrer):
        """Never reveals a referral that the principal does not see."""
        found = Referral.objects.visible_to(self.principal).kept().filter(**referrer)
        return rows.filter(pk__in=found.values("client"))

    def gone_quiet(self, rows, name, value: bool):
        return rows.quiet(firm_today(self.now)) if value else rows


class ContactFilters(filters.TrashFilters):
    catalogue = CONTACT_FIELDS
    q = filters.Search(method="search", label=_("name, email or phone"))
    client = filters.Id(method="at_client", label=_("Client"), chip=_("Client is"), named=Client)
    updated_from = filters.Moment("updated_at", "gte", label=_("Changed since"))

    def search(self, rows, name, value):
        return find_contacts(rows, value)

    def at_client(self, rows, name, value: int):
        """Never reveals affiliations with clients the principal does not see."""
        places = Affiliation.objects.visible_to(self.principal).filter(client=value)
        return rows.filter(pk__in=places.values("contact_id"))


def search(clients: QuerySet, text: str) -> QuerySet:
    """By name, city, website, email; by phone in any format. Part of an email with text before the @ also finds the
    clients of matching contacts; a domain alone would often match half of them.
    """
    bare = bare_digits(text)
    if len(bare) >= 5 and not any(c.isalpha() for c in text):
        return clients.filter(
            Q(search_key__contains=bare.lstrip("0"))
            | Q(search_key__contains=digits_of(text, get_firm().holiday_country))
        )
    text = text.strip()
    if "@" in text[1:] and is_part_of_address(text):
        places = Affiliation.objects.filter(contact__in=mailed_at(text), contact__archived_at=None)
        found = matching(Client.objects.all(), text).values("pk").union(places.order_by().values("client_id"), all=True)
        return clients.filter(pk__in=found)
    return matching(clients, text)
