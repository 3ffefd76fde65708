"""Domain signals of the kernel, sent inside the causing transaction. Receivers are connected in `hooks.py` of other apps.

address_stopped: kwargs address (lower case), reason (SuppressionReason), detail, now. address_released: address, now.
"""

from django.dispatch import Signal

address_stopped = Signal()
address_released = Signal()
