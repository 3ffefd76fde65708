"""What the status room registers."""

from crm.core.status import checks, health  # noqa: F401  checks register themselves
from crm.core.ui import banners

banners.register(banners.Source("space", health.banners))
