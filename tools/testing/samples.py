"""Samples of services; they are in tools/testing/service_samples, and crm/tests/test_services.py calls them.

    declare("clients.records.services.clients", update_client=lambda own: {"client": own("client"), "city": "Turku"})

`own(name)` is the row of that name in the access table's scene, for the current client; `own.user(name)` a person,
`own.make(model, …)` another row. The call is made by `by` with the rows of `of`. It is refused to everyone whom the
service's permission does not allow; if it allows everyone, with the rows of the archived client, or with `refused`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from django.utils import timezone

from crm.core.base.principals import Principal, acting
from tools.testing.access import Scene

TODAY = date(2026, 11, 20)


class Own:
    """The rows a sample is built from."""

    def __init__(self, scene: Scene, of: str):
        self.scene, self.of, self.now = scene, of, timezone.now()

    def __call__(self, name: str) -> Any:
        rows = self.scene.rows[name]
        row = rows.get(self.of) or rows["any"]
        return type(row)._default_manager.get(pk=row.pk)

    def changed(self, name: str, **values: Any) -> Any:
        """The row, with these values set without the services."""
        row = self(name)
        type(row)._default_manager.filter(pk=row.pk).update(**values)
        row.refresh_from_db()
        return row

    def make(self, label: str, **values: Any) -> Any:
        return self.scene.model(label).objects.create(**values)

    def user(self, name: str) -> Any:
        return self.scene.users[name]


@dataclass(frozen=True)
class Sample:
    args: Callable[[Own], dict[str, Any]]
    by: str | Callable[[Own], Principal] = "owner"
    of: str = "own"
    refused: Callable[[Own], dict[str, Any]] | None = None

    def principal(self, own: Own) -> Principal:
        return self.by(own) if callable(self.by) else acting(own.user(self.by))


SAMPLES: dict[str, Sample] = {}


def declare(room: str, **samples: Sample | Callable[[Own], dict[str, Any]]) -> None:
    for name, sample in samples.items():
        SAMPLES[f"{room}.{name}"] = sample if isinstance(sample, Sample) else Sample(sample)


def by_admin(args):
    return Sample(args, by="admin")


def by_manager(args):
    return Sample(args, by="manager")


def load() -> None:
    package = import_module("tools.testing.service_samples")
    for found in iter_modules(package.__path__):
        import_module(f"{package.__name__}.{found.name}")
