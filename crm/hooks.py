"""What the composition root registers: the page that removes the demo data."""

# Handlers
from django.utils.translation import gettext_lazy as _

from crm.core.firm.queries import get_firm
from crm.core.ui import navigation


def has_demo_data(principal) -> bool:
    return principal.is_admin and get_firm().has_demo_data


# Wiring
navigation.register(
    navigation.NavEntry("demo", _("Demo data"), "demo", "gear", 20, group="settings", shown=has_demo_data)
)
