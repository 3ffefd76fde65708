"""Domain signals of clients, sent inside the causing transaction. Receivers are connected in `hooks.py` of other apps.

client_activated: kwargs client, actor, on (date). status_changed: client, actor, status, start_date.
client_archived and client_restored: client, actor.
"""

from django.dispatch import Signal

client_activated = Signal()
status_changed = Signal()
client_archived = Signal()
client_restored = Signal()
