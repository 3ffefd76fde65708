"""firm_changed: kwargs fields (names of the settings that changed), before (their old values). Sent inside the causing
transaction, after the firm is saved; a receiver can refuse the change with a ServiceError.
"""

from django.dispatch import Signal

firm_changed = Signal()
