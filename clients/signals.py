"""Domain signals of clients, sent inside the causing transaction. Receivers are connected in `hooks.py` of other apps.

rhythm_changed: client_ids whose last contact, status or tier changed, so that the day of their next contact may change.
opportunity_won: opportunity, principal, now.
engagement_hidden: engagement, now. Colleagues who saw it do not see it any more.
titles_forgotten: contracts (of one client), now. Their names said what colleagues do not see any more, and do not now.
"""

from django.dispatch import Signal

rhythm_changed = Signal()
opportunity_won = Signal()
engagement_hidden = Signal()
titles_forgotten = Signal()
