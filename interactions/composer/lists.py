"""The log of interactions across clients."""

from django.utils.translation import gettext_lazy as _

from crm.core.listing import filters
from crm.core.listing.pages import Column, ListPage
from interactions.client_page.timeline import with_timeline_parts
from interactions.composer.finding import with_words
from interactions.log.fields import INTERACTION_FIELDS
from interactions.log.models import Interaction
from interactions.log.queries import title_of


class InteractionFilters(filters.ListFilters):
    catalogue = INTERACTION_FIELDS
    q = filters.Search(method="search", label=_("words of subject and summary"))

    def search(self, rows, name, value):
        return with_words(rows, value)


def _decorate(rows, listing):
    for row in rows:
        row.title = title_of(row)


INTERACTIONS = ListPage(
    url_name="interactions:list",
    title=_("Interactions"),
    template="interactions/composer/list_page.html",
    rows=lambda principal: Interaction.objects.visible_to(principal).kept().filter(client__archived_at=None),
    select=lambda rows: with_timeline_parts(rows).select_related("client", "author"),
    decorate=_decorate,
    filters=InteractionFilters,
    search_label=_("Search interactions"),
    search_hint=_("Words"),
    bar=("channel", "author", "sentiment", "since", "until"),
    sorts={"newest": "-occurred_at"},
    columns=(
        Column("what", _("What"), lambda row: row.title),
        INTERACTION_FIELDS["client"].in_list(),
        INTERACTION_FIELDS["sentiment"].in_list(_("Sentiment")),
        Column("author", _("Logged by"), lambda row: row.author_name),
        INTERACTION_FIELDS["occurred_at"].in_list(),
    ),
    fields=INTERACTION_FIELDS,
    size=50,
    is_counted=False,
    file_name="interactions",
)
