"""Reads across the rows of a client."""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.http import Http404
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from clients import registry
from clients.models import Affiliation, Client, ContactEmail, ContactPhone, StatusPeriod, Tag
from clients.phones import bare_digits, digits_of
from crm.core.models import Folded, User
from crm.core.parts import rows_along, rows_from
from crm.core.queries import firm_zone, get_firm

TIMELINE_PAGE = 15
PERIOD_COLUMNS = ("id", "client_id", "status", "start_date", "end_date", "reason", "note")
PERIODS_AT_MOST = 1000


def page_clients(user) -> QuerySet:
    """Clients with all that the head of their page shows, in one statement."""
    tags = Tag.objects.filter(clients=OuterRef("pk")).order_by("name").values("name")
    return (
        Client.objects.visible_to(user)
        .select_related("facts", "owner", "team", "archived_by")
        .annotate(tag_names=ArraySubquery(tags))
    )


def page_part(user) -> dict[str, Any]:
    """The status periods are read along with the client."""
    periods = StatusPeriod.objects.filter(client=OuterRef("pk")).order_by("start_date")
    return {"part_periods": rows_along(periods, *PERIOD_COLUMNS, limit=PERIODS_AT_MOST)}


def load_client(user, client_id: int) -> Client:
    """The client for its page; 404 when the user may not see it."""
    client = page_clients(user).annotate(**registry.page_annotations(user)).filter(pk=client_id).first()
    if client is None:
        raise Http404
    return client


def people_of(client: Client) -> list[Affiliation]:
    """Who is at the client now, main contact first, each with `contact`, `main_email` and `main_phone`. Read once for a client object."""
    if not hasattr(client, "_people"):
        client._people = list(with_addresses(Affiliation.objects.filter(client=client).current()))  # type: ignore[attr-defined]
    return client._people  # type: ignore[attr-defined]


def with_addresses(affiliations: QuerySet) -> QuerySet:
    mail = ContactEmail.objects.filter(contact=OuterRef("contact")).order_by("-is_primary", "id").values("address")[:1]
    phone = ContactPhone.objects.filter(contact=OuterRef("contact")).order_by("-is_primary", "id").values("number")[:1]
    return affiliations.select_related("contact").annotate(main_email=Subquery(mail), main_phone=Subquery(phone))


def periods_of(client: Client) -> list[StatusPeriod]:
    """The client's status periods, oldest first. Read once for a client object, along with it on its pages."""
    if not hasattr(client, "_periods"):
        along = hasattr(client, "part_periods")
        found = rows_from(StatusPeriod, client.part_periods) if along else client.status_periods.order_by("start_date")  # type: ignore[attr-defined]
        client._periods = list(found)  # type: ignore[attr-defined]
    return client._periods  # type: ignore[attr-defined]


def matching(queryset: QuerySet, text: str) -> QuerySet:
    """Rows whose `search_key` has every word of `text`, whatever its case and accents (trigram index)."""
    for word in text.split()[:6]:
        queryset = queryset.filter(search_key__contains=Folded(Value(word[:60])))
    return queryset


@dataclass
class TimelinePage:
    """`groups`: [(heading, items)]; the heading is "" where the page before already showed it. `older`: cursor or ""."""

    groups: list[tuple[str, list[registry.TimelineItem]]] = field(default_factory=list)
    older: str = ""

    @property
    def is_empty(self) -> bool:
        return not self.groups


def timeline(
    user, client: Client, *, kind: str = "", before: datetime | None = None, now: datetime, limit: int = TIMELINE_PAGE
) -> TimelinePage:
    """What happened with the client, newest first, merged from every registered source that has the kind ("" for all)."""
    items: list[registry.TimelineItem] = []
    for source in registry.timeline_sources():
        if not kind or kind in dict(source.kinds):
            items += [item for item in source.items(user, client, before, limit + 1) if not kind or item.kind == kind]
    pinned = [
        item for item in items if item.is_pinned
    ]  # sources give them with the first page alone, whatever their age
    items = [item for item in items if not item.is_pinned]
    items.sort(key=lambda item: (item.at, item.key), reverse=True)
    shown = items[:limit]
    if len(items) > limit:  # what happened at the same moment stays on one page, so that the cursor loses nothing
        shown += [item for item in items[limit:] if item.at == shown[-1].at]
    page = TimelinePage(older=shown[-1].at.isoformat() if len(items) > len(shown) else "")
    if pinned:
        page.groups.append((_("Pinned"), sorted(pinned, key=lambda item: item.at, reverse=True)))
    last = heading_of(before, now) if before else None
    for item in shown:
        heading = heading_of(item.at, now)
        if not page.groups or heading != last:
            page.groups.append(("" if heading == last else heading, []))
        last = heading
        page.groups[-1][1].append(item)
    return page


def heading_of(moment: datetime, now: datetime) -> str:
    """“This week”, “Last week”, “Earlier in November”, “October 2026”, in the reader's zone."""
    day, today = timezone.localtime(moment).date(), timezone.localtime(now).date()
    monday = today - timedelta(days=today.weekday())
    if day > today:
        return _("Ahead")
    if day >= monday:
        return _("This week")
    if day >= monday - timedelta(days=7):
        return _("Last week")
    if (day.year, day.month) == (today.year, today.month):
        return _("Earlier in %(month)s") % {"month": date_format(day, "F")}
    return date_format(day, pgettext("date format", "F Y"))


def timeline_kinds() -> list[tuple[str, Any]]:
    """Of every source; changes of status, which nobody looks for first, at the end."""
    pairs = [pair for source in registry.timeline_sources() for pair in source.kinds]
    return sorted(pairs, key=lambda pair: pair[0] == "status")


def status_items(user, client: Client, before: datetime | None, limit: int) -> list[registry.TimelineItem]:
    """Changes of status, as quiet entries of the timeline."""
    zone, items, earlier = firm_zone(), [], None
    for period in periods_of(client):
        at = datetime.combine(period.start_date, time(), zone)
        if before is None or at < before:
            title = _status_title(period, earlier)
            items.append(
                registry.TimelineItem(at, f"status-{period.pk}", "status", title, "flag", tone="quiet", object=period)
            )
        earlier = period
    return items[::-1][:limit]


def _status_title(period, earlier):
    words = {"status": period.get_status_display(), "before": earlier.get_status_display() if earlier else ""}
    text = _("Status changed from %(before)s to %(status)s") % words if earlier else _("Status: %(status)s") % words
    return f"{text} ({period.get_reason_display()})" if period.reason else text


def similar_clients(
    user, *, name: str = "", email: str = "", website: str = "", exclude: int | None = None, limit: int = 5
) -> list[Client]:
    """Existing clients a new one may be a duplicate of: the same mail, the same domain, or much the same name."""
    wanted = Q()
    if len(name.strip()) >= 3:
        wanted |= Q(name_key__contains=Folded(Value(name.strip()[:100])))
    if "@" in email:
        wanted |= Q(email__iexact=email.strip())
    if domain := domain_of(website):
        wanted |= Q(search_key__contains=Folded(Value(domain)))
    if not wanted:
        return []
    rows = Client.objects.visible_to(user).kept().filter(wanted).exclude(pk=exclude).select_related("facts", "owner")
    return list(rows.order_by("name_key", "pk")[:limit])


def domain_of(website: str) -> str:
    """acme.example of https://www.acme.example/about; "" for what is none."""
    host = website.strip().lower().split("//")[-1].split("/")[0].split("?")[0].split(":")[0].removeprefix("www.")
    return host if "." in host and " " not in host else ""


def who_changed(row: Any) -> str:
    """The name of whoever saved the row last, or ""."""
    last = row.events.select_related("pgh_context").order_by("-pgh_id").first()
    user_id = last.pgh_context.metadata.get("user") if last and last.pgh_context else None
    return User.objects.filter(pk=user_id).values_list("name", flat=True).first() or "" if user_id else ""


def revenue_by_service(client: Client, start: date, end: date) -> list[tuple[str, Any]]:
    """[(service's name or "", amount)] booked in [start, end), the largest first, in the firm's currency."""
    rows = (
        client.revenue_lines.between(start, end)
        .values("service__name")
        .annotate(total=Sum("amount_firm"))
        .order_by("-total")
    )
    return [(row["service__name"] or "", row["total"]) for row in rows]


def find_contacts(contacts: QuerySet, text: str) -> QuerySet:
    """People by name, by mail, by phone in any spelling."""
    bare = bare_digits(text)
    if len(bare) >= 5 and not any(c.isalpha() for c in text):
        read = digits_of(text, get_firm().holiday_country)
        numbers = ContactPhone.objects.filter(Q(digits__startswith=read) | Q(digits__contains=bare.lstrip("0")))
        return contacts.filter(pk__in=numbers.values("contact_id"))
    if "@" in text:
        return contacts.filter(pk__in=ContactEmail.objects.filter(address__icontains=text).values("contact_id"))
    return matching(contacts, text)
