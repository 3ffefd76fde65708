"""The presets of other systems' exports: a TOML file per product (docs/developers/importing.md says how to write one)."""

from pathlib import Path

from crm.core.importing.presets import load

PRODUCTS = [load(path) for path in sorted(Path(__file__).parent.glob("*.toml"))]
