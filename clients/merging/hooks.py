"""Wires merges into the rest of the app; `clients/hooks.py` imports it."""

from clients.merging import whole  # noqa: F401  registers itself
