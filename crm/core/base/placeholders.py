"""Placeholders in text that people write for emails: a fixed list of names, no template engine."""

import re
from collections.abc import Collection, Mapping

from django.utils.translation import gettext as _

from crm.core.base.errors import ServiceError

PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}|\{([^{}]*)\}")  # {{name}}, as in other products, means the same


def render(text: str, values: Mapping[str, str], *, field: str = "") -> str:
    """The text with each `{name}` replaced by its value, once: braces in a value are kept.

    Raises ServiceError (on `field`) naming a placeholder that is not in `values`."""
    check(text, values, field=field)
    return PLACEHOLDER.sub(lambda found: values[_name(found)], text)


def check(text: str, allowed: Collection[str], *, field: str = "") -> None:
    """Raises ServiceError if a placeholder in the text is not in `allowed`."""
    for found in PLACEHOLDER.finditer(text):
        if _name(found) not in allowed:
            known = ", ".join(f"{{{name}}}" for name in allowed)
            raise ServiceError(
                _("“%(what)s” is not a placeholder here. Use %(known)s.") % {"what": found[0][:60], "known": known},
                field=field,
                code="placeholder",
            )


def _name(found: re.Match[str]) -> str:
    return (found[1] or found[2] or "").strip()
