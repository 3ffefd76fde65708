"""Survey answers: the list, and those of one client."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clients.records import nps
from crm.core.listing.paging import Sort, paginate
from crm.core.ui.forms import DateInput
from interactions.surveys.choices import SurveyKind
from interactions.surveys.models import SurveyResponse


class AnswerFilter(forms.Form):
    band = forms.ChoiceField(
        required=False,
        label=_("Band"),
        choices=[("", _("All answers")), *nps.LABELS.items()],
    )
    since = forms.DateField(required=False, label=_("From"), widget=DateInput)
    until = forms.DateField(required=False, label=_("To"), widget=DateInput)
    commented = forms.BooleanField(required=False, label=_("With a comment"))


def page(principal, query, now: datetime) -> dict[str, Any]:
    """Context of interactions/surveys/list.html. Raises BadCursor."""
    form = AnswerFilter(query or None)
    chosen = form.cleaned_data if form.is_valid() else {}
    rows = (
        SurveyResponse.objects.visible_to(principal)
        .kept()
        .filter(client__archived_at=None)
        .select_related("survey", "client", "contact")
    )
    if chosen.get("band"):
        rows = rows.filter(nps.in_band(chosen["band"]), survey__kind=SurveyKind.NPS)
    if chosen.get("since"):
        rows = rows.filter(answered_at__gte=_midnight(chosen["since"]))
    if chosen.get("until"):
        rows = rows.filter(answered_at__lt=_midnight(chosen["until"] + timedelta(days=1)))
    if chosen.get("commented"):
        rows = rows.exclude(comment="")
    found = paginate(rows, sort=Sort("answered_at", descending=True), cursor=query.get("cursor", ""), size=50)
    return {"page": found, "filter": form, "is_narrowed": any(chosen.values())}


def _midnight(day):
    return datetime.combine(day, time(), timezone.get_current_timezone())


def of_client(principal, client) -> list[SurveyResponse]:
    rows = SurveyResponse.objects.visible_to(principal).kept().filter(client=client)
    return list(rows.select_related("survey", "contact", "entered_by").order_by("-answered_at", "-id")[:200])
