"""Who changed what and when, for admins."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

from django import forms
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from crm.core.base.permissions import may_administer, require
from crm.core.history import queries as records
from crm.core.ui.htmx import render_page
from crm.core.users.models import User


class HistoryFilter(forms.Form):
    kind = forms.ChoiceField(label=_("What"), required=False)
    user = forms.ModelChoiceField(User.objects.all(), label=_("Who"), required=False, empty_label=_("Everyone"))
    before = forms.CharField(required=False, max_length=2000)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        models = [
            (label, str(event.pgh_tracked_model._meta.verbose_name).capitalize())
            for label, event in records.tracked_models().items()
        ]
        self.fields["kind"].choices = [("", _("Everything")), *models]

    def clean_before(self):
        """label → id already shown; anything else means the first page."""
        text = self.cleaned_data["before"]
        try:
            marks = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4))) if text else {}
            return {str(label): int(pk) for label, pk in marks.items()}
        except (ValueError, AttributeError, TypeError):
            return {}


@require_safe
def history(request):
    require(may_administer(request.principal))
    form = HistoryFilter(request.GET)
    values = form.cleaned_data if form.is_valid() else {}
    user = values.get("user")
    page = records.read(
        request.principal, label=values.get("kind", ""), user_id=user.pk if user else None, marks=values.get("before")
    )
    marks = urlsafe_b64encode(json.dumps(page.marks).encode()).decode().rstrip("=") if page.marks else ""
    return render_page(
        request,
        "core/history/list.html",
        {"page": page, "form": form, "next_mark": marks, "is_later": bool(values.get("before"))},
    )
