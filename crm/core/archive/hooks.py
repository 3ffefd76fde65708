"""Wiring of archives of the firm: what the kernel has in them."""

from crm.core.archive import kernel  # noqa: F401  registers itself
