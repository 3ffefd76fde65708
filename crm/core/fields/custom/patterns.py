"""What a text must look like, in a small language of its own: 9 is a digit, A a letter, ? either, * any characters; everything
else stands for itself. A backslash takes a sign literally.

Not regular expressions: those of an admin could keep a server busy for minutes over a short text.
"""

import re
from functools import lru_cache

from django.utils.translation import gettext as _

MOST_STARS = 2
_MEANS = {"9": "[0-9]", "A": r"[^\W\d_]", "?": r"[^\W_]", "*": ".*"}


def check_pattern(pattern: str) -> None:
    """Raises ValueError with a sentence."""
    if pattern.replace("\\\\", "").endswith("\\"):
        raise ValueError(_("The pattern ends with a backslash. Write \\\\ for the sign itself."))
    if "*" in pattern and len(re.findall(r"(?<!\\)\*", pattern)) > MOST_STARS:
        raise ValueError(_("Use * at most twice in a pattern."))


@lru_cache(maxsize=500)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts, signs = [], iter(pattern)
    for sign in signs:
        parts.append(re.escape(next(signs, "\\")) if sign == "\\" else _MEANS.get(sign) or re.escape(sign))
    return re.compile("".join(parts), re.DOTALL)


def fits(pattern: str, text: str) -> bool:
    return _compiled(pattern).fullmatch(text) is not None
