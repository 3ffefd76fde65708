"""`manage.py squash_tables`: writes each app's tables of today as one migration, for databases that begin now (decision 12).

The migration replaces all others of its app, which stay for databases that have some of them; an earlier squashed one goes. Its
models come from the state that the migrations lead to, so `makemigrations --check` and `script/upgrade-test` prove it.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.contrib.postgres.operations import CreateExtension
from django.db import migrations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import AddField, CreateModel, RunSQL
from django.db.migrations.utils import resolve_relation
from django.db.migrations.writer import MigrationWriter
from pgtrigger.migrations import AddTrigger

from crm.core.base.migrations import CreateModels

FIRST_PARTY = ("core", "clients", "interactions", "onboarding")
DATA = {("interactions", "0006_contact_due")}  # fills in rows, of which a new database has none
HEAD = "# Made by tools/squash.py; the migrations that it replaces say why.\n"


def squash(say) -> None:
    """Writes the migrations and removes the squashed ones before them."""
    loader = MigrationLoader(None)
    state = loader.project_state()
    names = {app: _originals(loader, app) for app in FIRST_PARTY}
    squashed = {app: f"0001_squashed_{names[app][-1]}" for app in FIRST_PARTY}
    for app in FIRST_PARTY:
        migration = _migration(loader, state, app, names[app], squashed)
        folder = _folder(app)
        written = HEAD + MigrationWriter(migration, include_header=False).as_string()
        for old in folder.glob("0001_squashed_*.py"):
            _depend_on_originals(old.stem, app)
            old.unlink()
        (folder / f"{squashed[app]}.py").write_text(written)
        say(f"{app}: {squashed[app]}")


def _originals(loader, app: str) -> list[str]:
    """The names of the app's migrations in their order, without squashed ones."""
    return sorted(name for (of, name), one in loader.disk_migrations.items() if of == app and not one.replaces)


def _migration(loader, state, app: str, originals: list[str], squashed: dict[str, str]):
    before, after = [], []
    for name in originals:
        found = [op for op in loader.disk_migrations[app, name].operations if _is_plain(op)]
        if (app, name) not in DATA:
            (before if name == originals[0] else after).extend(map(_at_once, found))
    models, later = _models(state, app)
    kind = type("Migration", (migrations.Migration,), {})
    made = kind(squashed[app], app)
    made.initial = True
    made.replaces = [(app, name) for name in originals]
    made.dependencies = [*_needed(loader, app, originals), _pghistory(loader)]
    made.operations = [*before, models, *later, *after]
    return made


def _needed(loader, app: str, originals: list[str]) -> list[tuple[str, str]]:
    """The migrations of other apps that those of this app need. Not the squashed ones: a database that has all of this app's migrations
    need not have all of another's."""
    found = {needed for name in originals for needed in loader.disk_migrations[app, name].dependencies}
    squashed = {key: one.replaces[-1] for key, one in loader.disk_migrations.items() if one.replaces}
    return sorted({squashed.get(key, key) for key in found if key[0] in FIRST_PARTY and key[0] != app})


def _is_plain(operation) -> bool:
    """Whether it changes the database and no model: an extension or SQL."""
    return isinstance(operation, CreateExtension | RunSQL)


def _at_once(operation):
    """An index of a new table needs no patience: CONCURRENTLY cannot run in the transaction of the migration."""
    if not isinstance(operation, RunSQL):
        return operation
    return RunSQL(*(_without(sql) for sql in (operation.sql, operation.reverse_sql)))


def _without(sql):
    return sql.replace("CONCURRENTLY ", "") if isinstance(sql, str) else type(sql)(map(_without, sql))


def _models(state, app: str):
    """(CreateModels of the app, the fields that refer in a ring and triggers of proxies)."""
    found = {name: one for (of, name), one in state.models.items() if of == app}
    late = {
        (name, field): one
        for name, model in found.items()
        for field, one in model.fields.items()
        if _through(one) or _closes_ring(app, found, name, one)
    }
    needs = {}
    for name, model in found.items():
        targets = set(_targets(app, model, {field for of, field in late if of == name}))
        needs[name] = {target for of, target in targets if of == app and target != name}
    created: list[CreateModel] = []
    of_proxies: list[AddTrigger] = []
    for name in _in_order(needs):
        model = found[name]
        fields = [(field, one) for field, one in model.fields.items() if (name, field) not in late]
        options, triggers = dict(model.options), []
        if options.get("proxy"):  # has no table that is created with its triggers
            triggers = options.pop("triggers", [])
        created.append(CreateModel(model.name, fields, options, tuple(model.bases), model.managers))
        of_proxies += [AddTrigger(model_name=name, trigger=trigger) for trigger in triggers]
    added = [AddField(model_name=name, name=field, field=one) for (name, field), one in late.items()]
    return CreateModels(created), [*added, *of_proxies]


def _through(field) -> bool:
    through = getattr(field.remote_field, "through", None) if field.remote_field else None
    return bool(field.many_to_many and through)


def _closes_ring(app: str, found, name: str, field) -> bool:
    """Whether it may be empty and refers to a model that always refers back."""
    if not field.remote_field or not field.null:
        return False
    of, target = resolve_relation(field.remote_field.model, app, name)
    back = found[target].fields.values() if of == app and target != name else ()
    return any(
        one.remote_field and not one.null and resolve_relation(one.remote_field.model, app, target) == (app, name)
        for one in back
    )


def _targets(app: str, model, late: set[str]) -> Iterator[tuple[str, str]]:
    for name, field in model.fields.items():
        if field.remote_field and name not in late:
            yield resolve_relation(field.remote_field.model, app, model.name_lower)


def _in_order(needs: dict[str, set[str]]) -> list[str]:
    """Each after those it needs."""
    ordered: list[str] = []
    while len(ordered) < len(needs):
        ready = [name for name in needs if name not in ordered and needs[name] <= set(ordered)]
        if not ready:
            raise SystemExit(f"in a ring: {sorted(set(needs) - set(ordered))}")
        ordered += ready
    return ordered


def _pghistory(loader) -> tuple[str, str]:
    return next(key for key in loader.graph.leaf_nodes("pghistory"))


def _folder(app: str) -> Path:
    return Path(apps.get_app_config(app).path) / "migrations"


def _depend_on_originals(old: str, app: str) -> None:
    """What depended on the squashed migration that goes depends on the last one that it replaced."""
    last = old.removeprefix("0001_squashed_")
    for path in [path for each in FIRST_PARTY for path in _folder(each).glob("*.py")]:
        text = path.read_text()
        changed = re.sub(rf"""(['"]){app}\1, (['"]){old}\2""", f'"{app}", "{last}"', text)
        if changed != text:
            path.write_text(changed)
