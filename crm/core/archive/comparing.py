"""How a firm differs from an archive, table by table."""

from dataclasses import dataclass

from crm.core.archive.copying import STAGE, ask, copy_out, names_of, query_of, quoted, staged
from crm.core.archive.format import PLAIN, Counted
from crm.core.archive.queries import Rows
from crm.core.archive.reading import Archive
from crm.core.archive.tables import Table
from crm.core.base.principals import SYSTEM


@dataclass(frozen=True)
class Difference:
    """Rows of a table that only the archive has, that only the firm has, or that both have with other values."""

    table: str
    missing: int
    extra: int
    changed: int = 0


def compare(archive: Archive) -> list[Difference]:
    """What differs; [] if the firm has all that the archive has. Beyond an archive of what one colleague may see it may have more."""
    ask(PLAIN)
    rows = Rows(SYSTEM)
    is_whole = archive.manifest["holds"] == "everything"
    found = []
    for table in archive.tables:
        here, said = Counted(), archive.member_of(table)
        count = copy_out(table, rows, here)
        if here.member().sha256 == said.sha256:
            continue
        if table.pk in table.columns:
            one = _by_key(archive, table, rows)
        else:  # versions of the history are only counted
            one = Difference(table.key, max((said.rows or 0) - count, 0), max(count - (said.rows or 0), 0))
        if is_whole or one.missing or one.changed:
            found.append(one)
    return found


def _by_key(archive: Archive, table: Table, rows: Rows) -> Difference:
    pk = quoted(table.pk)
    with archive.open_table(table) as file, staged(table, file):
        [(missing, extra, changed)] = ask(
            f"""SELECT count(*) FILTER (WHERE here.{pk} IS NULL), count(*) FILTER (WHERE s.{pk} IS NULL),
                       count(*) FILTER (WHERE here.{pk} = s.{pk} AND here IS DISTINCT FROM s)
                FROM (SELECT {names_of(table)} FROM {STAGE}) s FULL JOIN ({query_of(table, rows)}) here ON here.{pk} = s.{pk}"""
        )
    return Difference(table.key, missing, extra, changed)
