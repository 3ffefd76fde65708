"""Brings an archive into an empty firm, in one transaction, with the same ids; or says how it differs from a firm with data.

Ids stay because more than foreign keys hold them: filters of views and segments, fields of the firm, the history. What an empty
firm has already (its people, the uploaded archive) gives way to other ids; somebody with the same address in the archive
becomes that colleague and keeps the password. Triggers that write history or follow up on an insert are silent: what they would
write is in the archive.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice

from django.apps import apps
from django.db import DataError, IntegrityError, InternalError, transaction
from django.db.models import ForeignKey, Model
from django.utils.translation import gettext as _

from crm.core.archive.comparing import Difference, Progress, compare, keyed
from crm.core.archive.contents import Contents
from crm.core.archive.copying import ask, copy_in, quoted
from crm.core.archive.format import PLAIN
from crm.core.archive.kernel import RESTORING
from crm.core.archive.reading import Archive, BadArchive, damaged
from crm.core.archive.tables import Table, beginnings, everything
from crm.core.files.models import StoredFile
from crm.core.firm.models import FirmSettings
from crm.core.mail.services import instance
from crm.core.users.models import User

LOCK = 7_201_640_224
GIVE_WAY: tuple[type[Model], ...] = (User, StoredFile)  # an empty firm has some of these, and rows that name them
NAMED = 5
MAX_STEPS = 1_000_000_000  # of a sequence
SILENT = """
    SELECT set_config('pgtrigger.ignore', array_agg(tgname)::text, true) FROM pg_trigger
    WHERE tgname ~ '^pgtrigger_(insert_insert|update_update|delete_delete|frozen_when_published|stays_published|paid_is_the_sum)_'
"""


@dataclass(frozen=True)
class Restored:
    """`is_same`: the firm had it all already. Otherwise what was restored, and the files whose content the archive does not have."""

    is_same: bool = False
    rows: int = 0
    files: int = 0
    lost: int = 0


class HasData(BadArchive):
    """The firm has data of its own, other than the archive's."""

    def __init__(self, differences: list[Difference]):
        text = _(
            "This firm has data of its own: %(what)s. An archive is restored into an empty firm only; nothing was changed."
        )
        super().__init__(text % {"what": what_is_here()}, field="file")
        self.differences = differences


def is_empty() -> bool:
    """Whether the firm has nothing but people, its settings, and what the program gave it."""
    return next(_in_the_way(), None) is None


def what_is_here() -> str:
    """The first of what keeps the firm from being empty, in words; "" for an empty one."""
    first = [str(table.model._meta.verbose_name_plural) for table in islice(_in_the_way(), NAMED + 1)]
    return ", ".join(sorted(first[:NAMED]) + ["…"] * (len(first) > NAMED))


def _in_the_way() -> Iterator[Table]:
    given = {model for each in beginnings if each.is_untouched() for model in each.models}
    return (table for table in _of_records() if table.model not in given and table.model._base_manager.exists())


def restore(
    archive: Archive,
    *,
    progress: Progress = lambda done, total: None,
    finish: Callable[[Restored], None] = lambda result: None,
) -> Restored:
    """Restore into an empty firm; where all is there already, say so. Raises HasData, or BadArchive; then nothing was changed.

    All or nothing: one transaction, which one process at a time may have, and in which `finish` is called last. Email is on hold
    afterwards. `progress` may write the job's row elsewhere, so that row is left alone until `progress` is called no more.
    """
    archive.check(lambda done, total: progress(done, 2 * total))
    contents = Contents(archive)
    try:
        with transaction.atomic():
            ask("SELECT pg_advisory_xact_lock(%s)", [LOCK])
            if is_empty():
                result = _restore(archive, contents, progress)
            elif differences := compare(archive, lambda done, total: progress(total + done, 2 * total)):
                raise HasData(differences)
            else:
                result = Restored(is_same=True)
            finish(result)
            return result
    except (IntegrityError, DataError, InternalError) as error:
        contents.take_back()
        text = _("The archive contradicts itself, so nothing was restored: %(why)s")
        raise BadArchive(text % {"why": str(error).splitlines()[0][:200]}, field="file") from error
    except BaseException:
        contents.take_back()
        raise


def _of_records() -> Iterator[Table]:
    for table in everything():
        is_spared = table.is_history or table.is_personal or table.model in (*GIVE_WAY, FirmSettings)
        if not is_spared and table.name != "pghistory_context":
            yield table


def _restore(archive: Archive, contents: Contents, progress: Progress) -> Restored:
    ask(PLAIN)
    ask("SET CONSTRAINTS ALL DEFERRED")
    ask(SILENT)
    moved = _make_way(archive)
    rows, parts = 0, len(archive.tables) + 1
    for done, table in enumerate(archive.tables):
        with archive.open_table(table) as file:
            rows += copy_in(table, file, partial(progress, parts + done, 2 * parts))
    restored = StoredFile.objects.filter(path__startswith=RESTORING).order_by("pk")
    files = contents.put(restored, partial(progress, 2 * parts - 1, 2 * parts))
    _follow(moved)
    ask("SET CONSTRAINTS ALL IMMEDIATE")
    for table in archive.tables:
        _count_on(table)
    instance.hold_restored()
    return Restored(rows=rows, files=files, lost=contents.lost)


# What an empty firm has already


@dataclass(frozen=True)
class Moved:
    """A row of the empty firm that has another id now; of a person also the address, which the archive may have too."""

    model: type[Model]
    old: int
    new: int
    email: str = ""


def _make_way(archive: Archive) -> list[Moved]:
    """Give what is here ids beyond those of the archive; delete its settings, its beginnings and what it remembers of people's pages."""
    moved = []
    for given in beginnings:
        for model in given.models:
            model._base_manager.all().delete()
    for table in archive.tables:
        if table.is_personal or table.model is FirmSettings:
            table.model._base_manager.all().delete()
    for model in GIVE_WAY:
        found = next((each for each in archive.tables if each.model is model), None)
        if found is None:
            raise damaged(model._meta.label)
        with archive.open_table(found) as file:
            top = max((key for key, _record in keyed(found, file)), default=0)
        ids = sorted(model._base_manager.values_list("pk", flat=True))
        for new, old in enumerate(ids, max(top, *ids, 0) + 1):
            email = User.objects.get(pk=old).email if model is User else ""
            ask(f"UPDATE {quoted(found.name)} SET id = %s WHERE id = %s", [new, old])
            if email:
                User.objects.filter(pk=new).update(email=f"restoring-{new}@invalid")
            moved.append(Moved(model, old, new, email))
    return moved


def _follow(moved: list[Moved]) -> None:
    """Let what names a moved row name it again. Who is in the archive too becomes that colleague; the others stay beside them."""
    for each in moved:
        _point(each.model, each.old, each.new)
    for each in moved:
        if each.email:
            _be_the_same(each)


def _point(model: type[Model], old: int, new: int) -> None:
    """Let what names a row of the model name another one. The history keeps what it says."""
    for named in apps.get_models(include_auto_created=True):
        if not named._meta.managed or named._meta.proxy or hasattr(named, "pgh_tracked_model"):
            continue
        for key in named._meta.local_concrete_fields:
            if isinstance(key, ForeignKey) and key.related_model is model:
                named._base_manager.filter(**{key.attname: old}).update(**{key.attname: new})


def _be_the_same(moved: Moved) -> None:
    """One colleague of two with one address: with the password of the one here, and the roles of both."""
    twin = User.objects.filter(email__iexact=moved.email).exclude(pk=moved.new).first()
    user = User.objects.get(pk=moved.new)
    if twin is None:
        User.objects.filter(pk=user.pk).update(email=moved.email)
        return
    twin.roles = sorted({*twin.roles, *user.roles})
    twin.password, twin.last_login, twin.is_active, twin.disabled_at = user.password, user.last_login, True, None
    twin.save(update_fields=["roles", "password", "last_login", "is_active", "disabled_at"])
    _point(User, user.pk, twin.pk)
    user.delete()


def _count_on(table: Table) -> None:
    """New rows get ids after the restored ones. The application may not set a sequence, but it may take numbers from it."""
    [(sequence,)] = ask("SELECT pg_get_serial_sequence(%s, %s)", [table.name, table.pk])
    if sequence is None or table.pk not in table.columns:
        return
    [(steps,)] = ask(
        f"SELECT (SELECT COALESCE(max({quoted(table.pk)}), 0) FROM {quoted(table.name)})"
        f" - (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {sequence})"
    )
    if steps > MAX_STEPS:
        raise BadArchive(_("The archive has ids that are too large: %(name)s") % {"name": table.key}, field="file")
    if steps > 0:
        ask("SELECT count(nextval(%s)) FROM generate_series(1, %s)", [sequence, steps])
