"""Domain signals of clients, sent inside the causing transaction. Receivers are connected in `hooks.py` of other apps.

client_activated: kwargs client, actor, on (date). status_changed: client, actor, status, start_date.
rhythm_changed: client_ids whose last contact, status or tier changed, so that the day their contact is due may be another.
client_archived and client_restored: client, actor.
"""

from django.dispatch import Signal

client_activated = Signal()
status_changed = Signal()
client_archived = Signal()
client_restored = Signal()
rhythm_changed = Signal()
