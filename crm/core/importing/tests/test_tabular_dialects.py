"""The dialect of an import comes from a form; only what the form offers is read."""

import pytest

from crm.core.importing.tabular import Dialect, UnreadableTable, read


@pytest.mark.parametrize(
    "dialect",
    [Dialect("zlib"), Dialect("hex"), Dialect("rot13"), Dialect("idna"), Dialect("utf-8", ""), Dialect("utf-8", "ab")],
    ids=str,
)
def test_what_is_not_offered_is_refused(dialect):
    with pytest.raises(UnreadableTable):
        read(b"name,city\nA,B\n", dialect)
