"""Filters of the list of plans; the same fields serve page and API."""

from django import forms
from django.db.models import Exists, OuterRef, Q, Value
from django.utils.translation import gettext_lazy as _

from crm.core.base.models import Folded
from crm.core.base.principals import acting
from crm.core.users.models import Team, User
from onboarding.choices import PLAN, PlanState, Track
from onboarding.models import Task, Template

OPEN = "open"
SORTS = {
    "forecast": "forecast_date",
    "-forecast": "-forecast_date",
    "kickoff": "kickoff_date",
    "-kickoff": "-kickoff_date",
}


class PlanFilter(forms.Form):
    """GET form of /onboarding/plans/. An unknown value of a field is left out, as if it were not set."""

    q = forms.CharField(required=False, label=_("Search"))
    state = forms.ChoiceField(
        required=False, label=_("State"), choices=[("", _("Open plans")), *PlanState.choices, ("all", _("All plans"))]
    )
    track = forms.ChoiceField(
        required=False,
        label=_("Progress"),
        choices=[("", _("Any progress")), *Track.choices, ("overdue", _("With overdue tasks"))],
    )
    owner = forms.ModelChoiceField(
        User.objects.active(), required=False, label=_("Run by"), empty_label=_("Run by anyone")
    )
    team = forms.ModelChoiceField(
        Team.objects.filter(archived_at=None), required=False, label=_("Team"), empty_label=_("Any team")
    )
    template = forms.ModelChoiceField(
        Template.objects.none(), required=False, label=_("Template"), empty_label=_("Any template")
    )
    sort = forms.ChoiceField(required=False, choices=[(key, key) for key in SORTS], widget=forms.HiddenInput)

    def __init__(self, data, *, user):
        super().__init__(data)
        self.fields["template"].queryset = Template.objects.visible_to(acting(user))
        self.is_valid()
        self.values = {name: self.cleaned_data.get(name) or "" for name in self.fields}

    @property
    def selects(self):
        return [self[name] for name in ("state", "track", "owner", "team", "template")]

    @property
    def is_narrowed(self) -> bool:
        return any(self.values[name] for name in ("q", "state", "track", "owner", "team", "template"))

    def narrow(self, plans, today):
        """`plans` filtered; open ones unless a state is chosen."""
        values = self.values
        if values["state"] in PlanState.values:
            plans = plans.filter(state=values["state"])
        elif values["state"] != "all":
            plans = plans.filter(state__in=PLAN.open)
        if values["track"] == "overdue":
            late = Task.objects.unfinished().filter(plan=OuterRef("pk"), due_date__lt=today)
            plans = plans.filter(Exists(late), state=PlanState.ACTIVE)
        elif values["track"]:
            plans = plans.filter(state=PlanState.ACTIVE, track=values["track"])
        for name, path in (("owner", "owner"), ("team", "client__team"), ("template", "template_version__template")):
            if values[name]:
                plans = plans.filter(**{path: values[name]})
        if text := values["q"].strip()[:100]:
            plans = plans.filter(Q(client__search_key__contains=Folded(Value(text))) | Q(name__icontains=text))
        return plans
