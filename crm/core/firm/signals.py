"""firm_changed: kwargs fields (names of the settings that changed), before (their values until now). Sent inside the causing
transaction, after the firm is saved; a receiver refuses the change with a ServiceError."""

from django.dispatch import Signal

firm_changed = Signal()
