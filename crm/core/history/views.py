"""Who changed what and when, for admins."""

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
        return records.marks_of(self.cleaned_data["before"])


@require_safe
def history(request):
    require(may_administer(request.principal))
    form = HistoryFilter(request.GET)
    values = form.cleaned_data if form.is_valid() else {}
    user = values.get("user")
    page = records.read(
        request.principal, label=values.get("kind", ""), user_id=user.pk if user else None, marks=values.get("before")
    )
    context = {"page": page, "form": form, "is_later": bool(values.get("before"))}
    return render_page(request, "core/history/list.html", context)
