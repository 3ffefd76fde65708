"""firm_changed: kwargs fields (names of the settings that changed). Sent inside the causing transaction."""

from django.dispatch import Signal

firm_changed = Signal()
