"""What happens to a conversation that rooms above react to."""

from django.dispatch import Signal

# Its engagement was corrected: `interaction`, which names the new one, and `before`, the id of the other (None: it had none)
engagement_corrected = Signal()
