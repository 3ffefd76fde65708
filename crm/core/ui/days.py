"""Days as clients read them too; every language of theirs has these words."""

from django.utils import timezone
from django.utils.translation import pgettext

from crm.core.ui.formatting import written


def weekday_and_day(day, today=None):
    """“Fri 14 Nov”, of another year “Fri 14 Nov 2025”; "" for no day."""
    if not day:
        return ""
    is_near = day.year == (today or timezone.localdate()).year
    return written(day, pgettext("date format", "D j M") if is_near else pgettext("date format", "D j M Y"))
