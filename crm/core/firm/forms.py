"""Forms of the firm's settings and working days."""

from django import forms
from django.utils.translation import gettext_lazy as _

from crm.core.base.places import country_choices, currency_choices, region_choices, regions_of
from crm.core.base.zones import zone_choices
from crm.core.firm.choices import Weekday
from crm.core.firm.languages import language_choices
from crm.core.firm.models import FirmSettings, Holiday
from crm.core.ui.forms import DateInput, Form, Group, Layout, ModelForm, Row, names_in

MONTHS = [
    (1, _("January")),
    (2, _("February")),
    (3, _("March")),
    (4, _("April")),
    (5, _("May")),
    (6, _("June")),
    (7, _("July")),
    (8, _("August")),
    (9, _("September")),
    (10, _("October")),
    (11, _("November")),
    (12, _("December")),
]
SETTINGS = (
    Group(_("Firm"), Row("name", "time_zone", "currency", "fiscal_year_start")),
    Group(
        _("Visibility"),
        Row("account_managers_see"),
        text=_(
            "Managers and admins see all clients except restricted ones, which only their account manager and the people named on them can see."
        ),
    ),
    Group(
        _("Engagements"),
        Row("engagement_word"),
        text=_(
            "Pieces of work with a number, a lead and a team. “Not used” hides their pages and fields; nothing is deleted."
        ),
    ),
    Group(
        _("Contact target"),
        Row("cadence_days_a", "cadence_days_b", "cadence_days_c"),
        text=_("Clients without contact for longer than this count as going quiet."),
    ),
    Group(
        _("Numbers"),
        Row(
            "retention_basis",
            "retention_benchmark",
            "retention_benchmark_source",
            "nps_benchmark",
            "nps_benchmark_source",
            "nps_minimum_answers",
        ),
        text=_("Benchmarks are the dotted lines in reports. Leave one empty to hide it."),
    ),
    Group(
        _("Email"),
        Row("mail_from_name", "mail_from_address"),
        "language",
        text=_("The sender clients see. Leave empty for the server's default."),
    ),
)


class FirmForm(ModelForm):
    """Every setting of the firm."""

    layout = Layout(*SETTINGS)

    time_zone = forms.ChoiceField(
        label=_("Time zone"), choices=lambda: zone_choices(), help_text=_("Days start and end in this time zone.")
    )
    currency = forms.ChoiceField(
        label=_("Currency"), choices=lambda: currency_choices(), help_text=_("Used for totals in reports.")
    )

    language = forms.ChoiceField(
        label=_("Language of emails to clients"),
        choices=language_choices,
        required=False,
        help_text=_("For clients and contacts without a language of their own."),
    )

    class Meta:
        model = FirmSettings
        fields = names_in(*SETTINGS)
        widgets = {"account_managers_see": forms.RadioSelect, "retention_basis": forms.RadioSelect}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["fiscal_year_start"] = forms.TypedChoiceField(
            label=_("Fiscal year starts in"), coerce=int, initial=self.instance.fiscal_year_start, choices=MONTHS
        )
        for name, lowest, highest in (("retention_benchmark", 0, 100), ("nps_benchmark", -100, 100)):
            self.fields[name] = forms.DecimalField(
                label=self.fields[name].label,
                required=False,
                min_value=lowest,
                max_value=highest,
                max_digits=5,
                decimal_places=2,
            )
        self.fields["retention_benchmark_source"].label = _("Source of the retention benchmark")
        self.fields["nps_benchmark_source"].label = _("Source of the NPS benchmark")
        for name in ("mail_from_name", "mail_from_address"):
            self.fields[name].required = False

    def clean_language(self):
        return self.cleaned_data["language"] or self.instance.language


class DaysForm(Form):
    """The weekly pattern, and the country whose public holidays apply."""

    working_days = forms.TypedMultipleChoiceField(
        label=_("We work on"),
        coerce=int,
        choices=Weekday.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one day.")},
    )
    holiday_country = forms.ChoiceField(
        label=_("Public holidays of"), required=False, choices=lambda: country_choices(_("No country"))
    )
    holiday_region = forms.ChoiceField(label=_("Region"), required=False)

    def __init__(self, *args, firm, **kwargs):
        initial = {
            name: getattr(firm, name) for name in ("version", "working_days", "holiday_country", "holiday_region")
        }
        super().__init__(*args, initial=initial, **kwargs)
        self.firm = firm
        country = str(self["holiday_country"].value() or "")
        regions = region_choices(country, _("The whole country"))
        if country != firm.holiday_country:  # the region belonged to the previous country
            regions.append((firm.holiday_region, firm.holiday_region))
        field = self.fields["holiday_region"]
        field.choices = regions
        field.error_messages["invalid_choice"] = _("This country has no such region.")
        field.help_text = _("Save another country first to choose among its regions.")

    def clean_holiday_region(self):
        region = self.cleaned_data["holiday_region"]
        return region if region in regions_of(self.cleaned_data.get("holiday_country", "")) else ""


class HolidayForm(ModelForm):
    class Meta:
        model = Holiday
        fields = ["date", "name", "is_working"]
        widgets = {"date": DateInput()}


class YearForm(forms.Form):
    year = forms.IntegerField(min_value=1990, max_value=2100)
