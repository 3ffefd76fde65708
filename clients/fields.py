"""What several forms of clients have in common."""

from functools import lru_cache, partial

from babel import Locale
from django import forms
from django.utils.translation import get_language, to_locale
from django.utils.translation import gettext_lazy as _

from crm.core.base.zones import zone_choices
from crm.core.firm.languages import language_choices, language_name
from crm.core.users.models import User


def country_names() -> dict[str, str]:
    """Two-letter codes and names in the user's language, by name."""
    return _country_names(to_locale(get_language() or "en").split("_")[0])


@lru_cache(maxsize=8)
def _country_names(language: str) -> dict[str, str]:
    names = {
        code: name
        for code, name in Locale(language).territories.items()
        if len(code) == 2 and code.isalpha() and code not in ("ZZ", "EU", "EZ", "UN", "QO", "XA", "XB")
    }
    return dict(sorted(names.items(), key=lambda pair: pair[1]))


CountryField = partial(forms.ChoiceField, choices=lambda: [("", _("Not known")), *country_names().items()])
ZoneField = partial(forms.ChoiceField, choices=lambda: zone_choices(str(_("Not known"))))


class LanguageField(forms.ChoiceField):
    """The languages that mails are written in. `keep` adds one that an import brought."""

    def __init__(self, **kwargs):
        super().__init__(choices=lambda: [("", _("Not known")), *language_choices()], **kwargs)

    def keep(self, value: str) -> None:
        if value and value not in dict(language_choices()):
            self.choices = [*self.choices, (value, language_name(value))]


UserField = partial(forms.ModelChoiceField, queryset=User.objects.active())  # a colleague who may log in
