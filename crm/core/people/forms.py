"""Forms for colleagues, teams, invitations and the profile."""

from datetime import timedelta

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from crm.core.base.places import country_choices, currency_choices
from crm.core.base.zones import validate_zone, zone_choices
from crm.core.ui.forms import Form, Group, Layout, Part, When
from crm.core.users.choices import Reminders, Role, Theme
from crm.core.users.models import Team, User

ROLE_HELP = {
    Role.ACCOUNT_MANAGER: _("Manages their own clients."),
    Role.MANAGER: _("Sees all unrestricted clients and the reports."),
    Role.ADMIN: _("Manages people, settings, templates and imports."),
}


def role_choices():
    return [(role.value, f"{role.label}: {ROLE_HELP[role]}") for role in Role]


class RolesField(forms.MultipleChoiceField):
    def __init__(self, **kwargs):
        super().__init__(label=_("Roles"), choices=role_choices, widget=forms.CheckboxSelectMultiple, **kwargs)


class InviteForm(Form):
    email = forms.EmailField(label=_("Email"), max_length=254)
    name = forms.CharField(label=_("Name"), max_length=120, required=False)
    roles = RolesField(initial=[Role.ACCOUNT_MANAGER], error_messages={"required": _("Choose at least one role.")})
    team = forms.ModelChoiceField(Team.objects.kept(), label=_("Team"), required=False, empty_label=_("No team"))


class UserForm(Form):
    name = forms.CharField(label=_("Name"), max_length=120)
    email = forms.EmailField(label=_("Email"), max_length=254, help_text=_("They also sign in with it."))
    title = forms.CharField(label=_("Job title"), max_length=120, required=False)
    roles = RolesField(required=False, help_text=_("Without a role they can sign in but see no clients."))
    teams = forms.ModelMultipleChoiceField(
        Team.objects.kept(), label=_("Teams"), required=False, widget=forms.CheckboxSelectMultiple
    )
    time_zone = forms.ChoiceField(label=_("Time zone"), required=False, choices=lambda: zone_choices(_("The firm's")))

    @classmethod
    def of(cls, user, data=None):
        initial = {name: getattr(user, name) for name in ("version", "name", "email", "title", "roles", "time_zone")}
        return cls(data, initial=initial | {"teams": user.teams.kept()})

    def values(self) -> dict:
        return self.cleaned_data | {"teams": list(self.cleaned_data["teams"])}


class DisableForm(Form):
    hand_over_to = forms.ModelChoiceField(
        User.objects.none(),
        label=_("Reassign to"),
        required=False,
        empty_label=_("Leave with them"),
        help_text=_("Their clients and open work go to this colleague, including restricted clients."),
    )

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["hand_over_to"].queryset = User.objects.active().exclude(pk=user.pk).exclude(roles=[])


class TeamForm(Form):
    name = forms.CharField(label=_("Name"), max_length=80)
    lead = forms.ModelChoiceField(User.objects.active(), label=_("Lead"), required=False, empty_label=_("Nobody"))
    members = forms.ModelMultipleChoiceField(
        User.objects.active(), label=_("Members"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args, team=None, **kwargs):
        if team is not None:
            kwargs["initial"] = {
                "version": team.version,
                "name": team.name,
                "lead": team.lead,
                "members": team.members.all(),
            }
        self.team = team
        super().__init__(*args, **kwargs)

    def values(self) -> dict:
        return self.cleaned_data | {"members": list(self.cleaned_data["members"])}

    def clean_name(self):
        name = self.cleaned_data["name"]
        same = Team.objects.filter(name__iexact=name)
        if self.team is not None:
            same = same.exclude(pk=self.team.pk)
        if same.exists():
            raise forms.ValidationError(_("A team with this name already exists."))
        return name


PASSWORD_HELP = _("At least 10 characters. A few unrelated words work well.")


class NewPasswordForm(Form):
    password1 = forms.CharField(
        label=_("Password"),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        strip=False,
        max_length=200,
        help_text=PASSWORD_HELP,
    )
    password2 = forms.CharField(
        label=_("Password again"),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        strip=False,
        max_length=200,
    )

    def clean_password2(self):
        if self.cleaned_data.get("password1") != self.cleaned_data["password2"]:
            raise forms.ValidationError(_("The passwords do not match."))
        return self.cleaned_data["password2"]


class JoinForm(NewPasswordForm):
    name = forms.CharField(label=_("Your name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    field_order = ["name", "password1", "password2"]


class ProfileForm(Form):
    layout = Layout(
        Group(_("You"), "name", "title", "time_zone", "theme", "has_shortcuts"),
        Group(
            _("Emails to you"),
            "reminders",
            When("reminders=digest", "digest_hour"),
            Part("core/people/coming_link.html"),
            id="mails",
        ),
    )

    name = forms.CharField(label=_("Name"), max_length=120)
    title = forms.CharField(label=_("Job title"), max_length=120, required=False)
    time_zone = forms.ChoiceField(label=_("Time zone"), required=False, choices=lambda: zone_choices(_("The firm's")))
    theme = forms.ChoiceField(label=_("Theme"), choices=Theme.choices, widget=forms.RadioSelect)
    reminders = forms.ChoiceField(
        label=_("Follow-up reminders"),
        choices=[(value, capfirst(label)) for value, label in Reminders.choices],
        widget=forms.RadioSelect,
        required=False,
        help_text=_("Leaves out what you have already seen or done."),
    )
    digest_hour = forms.TypedChoiceField(
        label=_("Morning email at"),
        coerce=int,
        empty_value=None,
        required=False,
        choices=[(hour, f"{hour:02}:00") for hour in range(24)],
        help_text=_(
            "Sent on working days in your time zone, unless there is nothing to report or you have already opened Today."
        ),
    )
    has_shortcuts = forms.BooleanField(
        label=_("Keyboard shortcuts"),
        required=False,
        help_text=_("Single keys, such as c for create. Press ? for the list."),
    )

    @classmethod
    def of(cls, user, data=None):
        return cls(data, initial={name: getattr(user, name) for name in cls.base_fields})

    def clean_time_zone(self):
        if self.cleaned_data["time_zone"]:
            validate_zone(self.cleaned_data["time_zone"])
        return self.cleaned_data["time_zone"]

    def clean_reminders(self):
        return self.cleaned_data["reminders"] or self.initial["reminders"]

    def clean_digest_hour(self):
        hour = self.cleaned_data["digest_hour"]
        return self.initial["digest_hour"] if hour is None else hour


class ThemeForm(Form):
    theme = forms.ChoiceField(choices=Theme.choices)


class TokenForm(Form):
    name = forms.CharField(label=_("What is it for?"), max_length=80)
    days = forms.TypedChoiceField(
        label=_("Valid for"),
        coerce=int,
        initial=90,
        choices=[(30, _("30 days")), (90, _("90 days")), (365, _("a year")), (0, _("until it is revoked"))],
    )
    is_read_only = forms.BooleanField(label=_("Read-only"), required=False)

    def expires_at(self, now):
        days = self.cleaned_data["days"]
        return now + timedelta(days=days) if days else None


class SetupForm(JoinForm):
    """The firm and its first admin."""

    firm_name = forms.CharField(label=_("Name of the firm"), max_length=120)
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=lambda: zone_choices(), initial="UTC")
    currency = forms.ChoiceField(label=_("Currency"), choices=lambda: currency_choices(), initial="EUR")
    holiday_country = forms.ChoiceField(
        label=_("Country, for public holidays"), required=False, choices=lambda: country_choices(_("Choose later"))
    )
    email = forms.EmailField(label=_("Your email"), max_length=254)
    field_order = ["firm_name", "time_zone", "currency", "holiday_country", "name", "email", "password1", "password2"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if not self.is_bound:  # the page's script preselects the browser's zone, but never changes the user's choice
            self.fields["time_zone"].widget.attrs["data-browser-zone"] = ""

    def firm_values(self) -> dict:
        values = self.cleaned_data
        return {"name": values["firm_name"]} | {
            name: values[name] for name in ("time_zone", "currency", "holiday_country")
        }
