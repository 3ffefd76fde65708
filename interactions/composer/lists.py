"""The log of interactions across clients."""

from django.utils.translation import gettext_lazy as _

from clients.records.models import Client
from crm.core.listing import filters
from crm.core.listing.filters import ListFilters
from crm.core.listing.pages import Column, ListPage
from crm.core.listing.paging import Sort
from crm.core.users.models import User
from interactions.client_page.timeline import with_timeline_parts
from interactions.log.choices import Channel, Sentiment, Visibility
from interactions.log.models import Interaction
from interactions.log.queries import title_of


class InteractionFilters(ListFilters):
    model = Interaction
    channel = filters.Choices(
        choices=Channel.choices, label=_("Type"), offers=lambda found: Channel.choices, any_label=_("All types")
    )
    author = filters.PersonId(
        "author",
        label=_("Logged by"),
        named=User,
        offers=lambda found: User.objects.values_list("pk", "name"),
        any_label=_("Everybody"),
    )
    sentiment = filters.Choice(choices=Sentiment.choices, label=_("How they felt"), empty_label=_("Any feeling"))
    since = filters.Since("occurred_at", label=_("From"))
    until = filters.Until("occurred_at", label=_("To"))
    client = filters.Id("client", label=_("Client"), named=Client)
    visibility = filters.Choice(choices=Visibility.choices, label=_("Who sees it"))


def _decorate(rows, listing):
    for row in rows:
        row.title = title_of(row)


INTERACTIONS = ListPage(
    url_name="interactions:list",
    title=_("Interactions"),
    template="interactions/composer/list_page.html",
    nav_key="interactions",
    rows=lambda principal: Interaction.objects.visible_to(principal).kept().filter(client__archived_at=None),
    select=lambda rows: with_timeline_parts(rows).select_related("client", "author"),
    decorate=_decorate,
    filters=InteractionFilters,
    bar=("channel", "author", "sentiment", "since", "until"),
    sorts={"newest": Sort("occurred_at", descending=True)},
    columns=(
        Column("what", _("What"), lambda row: row.title),
        Column("client", _("Client"), lambda row: row.client.name),
        Column("sentiment", _("They felt"), lambda row: row.get_sentiment_display()),
        Column("author", _("Logged by"), lambda row: row.author_name),
        Column("when", _("When"), lambda row: row.occurred_at),
    ),
    size=50,
    is_counted=False,
    file_name="interactions",
    words={"client": _("Client"), "author": _("Logged by")},
)
