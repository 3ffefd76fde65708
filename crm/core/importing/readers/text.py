"""CSV and its like: one table, in the dialect that was detected or chosen."""

from crm.core.importing import tabular
from crm.core.importing.readers import Reader, Table, register
from crm.core.importing.tabular import Dialect


def _tables(name: str, data: bytes, dialect: Dialect | None) -> list[Table]:
    encoding = tabular.decide_encoding(data)
    dialect = dialect or tabular.detect(data, tabular.likeliest(encoding))
    header, rows = tabular.read(data, dialect)
    return [
        Table(
            key="",
            title=name,
            header=header,
            total=sum(1 for _row in rows),
            read=lambda: tabular.read(data, dialect)[1],
            dialect=dialect,
            encodings=encoding.options,
        )
    ]


register(Reader("text", "CSV", (".csv", ".tsv", ".txt"), lambda data: True, _tables, order=100))
