"""Reads across the rows of a client."""

from collections.abc import Iterable
from functools import lru_cache

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Lower

from clients import registry
from clients.records.models import Client
from crm.core.base.models import Folded
from crm.core.search.branches import contains
from crm.core.search.typed import read

FREE_MAIL = frozenset(
    "gmail.com googlemail.com outlook.com hotmail.com yahoo.com icloud.com gmx.de web.de aol.com live.com".split()  # noqa: SIM905
)

# Words that do not identify a client: legal forms, and "and" in the firm's languages
EMPTY_WORDS = frozenset(
    "oy oyj ab as asa aps gmbh ag kg ltd llc llp inc plc bv nv sa sas sarl srl spa sp zo.o. the "  # noqa: SIM905
    "and ja och og und et e y & + i en".split()
)


def matching(queryset: QuerySet, text: str) -> QuerySet:
    """Rows whose `search_key` contains every word of `text`, ignoring case and accents (trigram index), as the search finds them."""
    typed = read(text)
    return queryset.filter(contains("search_key", typed.words, typed.shape.short)) if typed.words else queryset


def similar_clients(
    principal, *, name: str = "", email: str = "", website: str = "", exclude: int | None = None, limit: int = 5
) -> list[Client]:
    """Existing clients a new one may be a duplicate of: the same email, the same domain of email or website, or a
    similar name (“&” or “and”, with or without a legal form, or with a typo).
    """
    wanted = Q()
    if len(name.strip()) >= 3:
        wanted |= Q(name_key__contains=Folded(Value(name.strip()[:100])))
        bare = " ".join(word for word in name.lower().split() if word.strip(".,") not in EMPTY_WORDS)[:100]
        if len(bare) >= 4:
            wanted |= Q(search_key__trigram_word_similar=Folded(Value(bare)))
    if "@" in email:
        wanted |= Q(
            pk__in=Client.objects.alias(folded=Lower("email")).filter(folded=email.strip().lower()).values("pk")
        )
    mail_domain = email.strip().lower().rpartition("@")[2]
    domains = {domain_of(website), "" if mail_domain in FREE_MAIL else domain_of(mail_domain)} - {""}
    for domain in domains:
        wanted |= Q(search_key__contains=Folded(Value(domain)))
    if not wanted:
        return []
    rows = (
        Client.objects.visible_to(principal).kept().filter(wanted).exclude(pk=exclude).select_related("facts", "owner")
    )
    return list(rows.order_by("name_key", "pk")[:limit])


def add_next_steps(principal, clients: Iterable[Client]) -> None:
    """Set on each client `next_step_text`, the title of its next step ("" if there is none or the principal may not see
    it), and when it is due: `next_step_due` and `next_step_snoozed`.
    """
    rows = list(clients)
    steps = {pk: step for source in registry.next_steps for pk, step in source.steps(principal, rows).items()}
    for client in rows:
        step = steps.get(client.facts.next_step_id)
        client.next_step_text = step.title if step else ""
        client.next_step_due = step.due if step else client.facts.next_step_at
        client.next_step_snoozed = step.snoozed_until if step else None


@lru_cache(maxsize=4096)
def domain_of(website: str) -> str:
    """acme.example of https://www.acme.example/about; "" if it is not a website."""
    host = website.strip().lower().split("//")[-1].split("/")[0].split("?")[0].split(":")[0].removeprefix("www.")
    return host if "." in host and " " not in host else ""
