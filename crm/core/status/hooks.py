"""What the status room registers."""

from crm.core.status import health
from crm.core.ui import banners

banners.register(banners.Source("space", health.banners))
