"""The log of interactions across clients."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.core.listing.paging import Sort, paginate
from crm.core.ui.forms import DateInput
from crm.core.users.models import User
from interactions.client_page.timeline import with_timeline_parts
from interactions.fields import PersonField
from interactions.log.choices import Channel, Sentiment
from interactions.log.models import Interaction
from interactions.log.queries import title_of


class InteractionFilter(forms.Form):
    channel = forms.ChoiceField(required=False, label=_("Type"), choices=[("", _("All types")), *Channel.choices])
    author = PersonField(queryset=User.objects.all(), required=False, label=_("Logged by"), empty_label=_("Everybody"))
    sentiment = forms.ChoiceField(
        required=False, label=_("How they felt"), choices=[("", _("Any feeling")), *Sentiment.choices]
    )
    since = forms.DateField(required=False, label=_("From"), widget=DateInput)
    until = forms.DateField(required=False, label=_("To"), widget=DateInput)


def page(principal, query) -> dict[str, Any]:
    """Context of interactions/composer/list_page.html. Raises BadCursor."""
    form = InteractionFilter(query or None)
    chosen = form.cleaned_data if form.is_valid() else {}
    rows = Interaction.objects.visible_to(principal).kept().filter(client__archived_at=None)
    for name in ("channel", "author", "sentiment"):
        if chosen.get(name):
            rows = rows.filter(**{name: chosen[name]})
    if chosen.get("since"):
        rows = rows.filter(occurred_at__gte=_midnight(chosen["since"]))
    if chosen.get("until"):
        rows = rows.filter(occurred_at__lt=_midnight(chosen["until"] + timedelta(days=1)))
    shown = with_timeline_parts(rows).select_related("client", "author")
    found = paginate(
        shown, sort=Sort("occurred_at", descending=True), cursor=query.get("cursor", ""), size=50, counted=False
    )
    for row in found.rows:
        row.title = title_of(row)
    return {"page": found, "filter": form, "is_narrowed": any(chosen.values())}


def _midnight(day) -> datetime:
    return datetime.combine(day, time(), timezone.get_current_timezone())
