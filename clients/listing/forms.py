"""The filters of the client list as a form; it is sent by GET to the list and never validated there."""

from django import forms
from django.utils.translation import gettext_lazy as _

from clients.catalogue.models import Tag
from clients.fields import country_names
from clients.listing.filters import STEPS
from clients.records.choices import OnboardingState, Status, Tier
from clients.records.models import Client
from crm.core.base.principals import acting
from crm.core.users.models import Team, User

ANY = ("", _("Any"))


class FilterForm(forms.Form):
    owner = forms.ChoiceField(label=_("Account manager"), required=False)
    team = forms.ChoiceField(label=_("Team"), required=False)
    status = forms.MultipleChoiceField(
        label=_("Status"), required=False, choices=Status.choices, widget=forms.CheckboxSelectMultiple
    )
    tier = forms.MultipleChoiceField(
        label=_("Tier"),
        required=False,
        choices=[*Tier.choices, ("none", _("None"))],
        widget=forms.CheckboxSelectMultiple,
    )
    step = forms.ChoiceField(label=_("Next step"), required=False, choices=[ANY, *STEPS.items()])
    quiet = forms.BooleanField(
        label=_("Going quiet"), required=False, help_text=_("No contact for longer than their tier allows")
    )
    onboarding = forms.MultipleChoiceField(
        label=_("Onboarding"),
        required=False,
        choices=[pair for pair in OnboardingState.choices if pair[0]],
        widget=forms.CheckboxSelectMultiple,
    )
    tag = forms.ChoiceField(label=_("Tag"), required=False)
    industry = forms.ChoiceField(label=_("Industry"), required=False)
    country = forms.ChoiceField(label=_("Country"), required=False)
    archived = forms.BooleanField(label=_("In the trash"), required=False)

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        visible = Client.objects.visible_to(acting(user)).kept()
        industries = (
            visible.exclude(industry="").order_by("industry").values_list("industry", flat=True).distinct()[:300]
        )
        countries = visible.exclude(country="").order_by("country").values_list("country", flat=True).distinct()[:300]
        names = country_names()
        self.fields["owner"].choices = [ANY, ("me", _("Me")), *User.objects.active().values_list("pk", "name")]
        self.fields["team"].choices = [ANY, *Team.objects.filter(archived_at=None).values_list("pk", "name")]
        self.fields["tag"].choices = [ANY, *Tag.objects.values_list("pk", "name")]
        self.fields["industry"].choices = [ANY, *((name, name) for name in industries)]
        self.fields["country"].choices = [ANY, *((code, names.get(code, code)) for code in countries)]
