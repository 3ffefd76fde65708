"""Domain signals, sent inside the causing transaction.

interaction_logged: kwargs interaction, actor. follow_up_changed: follow_up, actor.
"""

from django.dispatch import Signal

interaction_logged = Signal()
follow_up_changed = Signal()
