"""The settings page that removes the demo data."""

from django import forms
from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clients.records.models import Client
from crm.core.base.permissions import may_administer, require
from crm.core.firm.queries import forget_firm, get_firm
from tools.demo.remove import remove

PHRASE = "remove the demo"


class ConfirmForm(forms.Form):
    phrase = forms.CharField(max_length=40)

    def clean_phrase(self):
        phrase = self.cleaned_data["phrase"].strip().lower()
        if phrase != PHRASE:
            raise forms.ValidationError(_("Type the words exactly to go on."))
        return phrase


@require_http_methods(["GET", "POST"])
def demo(request):
    require(may_administer(request.principal))
    form = ConfirmForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        remove(now=timezone.now())
        forget_firm()
        messages.success(request, _("The demo data is gone."))
        return redirect("demo")
    error = form.errors["phrase"][0] if form.errors else ""
    count = Client.objects.filter(is_demo=True).count() if get_firm().has_demo_data else 0
    return render(
        request, "core/firm/demo.html", {"count": count, "phrase": PHRASE, "error": error}, status=422 if error else 200
    )
