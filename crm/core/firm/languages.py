"""The languages of email to clients: those in `settings.LANGUAGES`, each with a catalogue under `locale/`.

Only what a client reads is translated; the interface stays in the language of the settings.
"""

from functools import cache

from babel import Locale, UnknownLocaleError
from django.conf import settings
from django.utils.translation import get_supported_language_variant

from crm.core.firm.queries import get_firm


def mail_language(*wanted: str) -> str:
    """The first of the given languages that emails are written in, else the firm's, else that of the settings.

    A language may be a code (de, de-AT, pt_BR) or a name (German, Deutsch), as in imports."""
    for name in (*wanted, get_firm().language):
        if code := known_language(name):
            return code
    return settings.LANGUAGE_CODE


def known_language(name: str) -> str:
    """The code of a language that emails are written in, or ""."""
    plain = name.strip().replace("_", "-").lower()
    if not plain:
        return ""
    try:
        return get_supported_language_variant(_codes().get(plain, plain))
    except LookupError:
        return ""


@cache
def _codes() -> dict[str, str]:
    """Names of the languages in English, in each other and in themselves, lower-case → code."""
    locales = {code: Locale(code.split("-")[0]) for code, _name in settings.LANGUAGES}
    found = {}
    for code, locale in locales.items():
        for other in locales.values():
            found[(locale.get_language_name(other.language) or code).lower()] = code
    return found


def language_choices() -> list[tuple[str, str]]:
    """(code, name in the language itself) of the languages that emails are written in."""
    return [(code, name) for code, name in settings.LANGUAGES]


def language_name(code: str) -> str:
    """The name of a language in English, or the code itself for an unknown one."""
    try:
        return Locale.parse(code.replace("-", "_")).get_language_name("en") or code
    except (UnknownLocaleError, ValueError):
        return code
