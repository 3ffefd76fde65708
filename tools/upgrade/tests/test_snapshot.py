from tools.upgrade.snapshot import Allowed, Table, differences

STRICT = Allowed({}, {}, {})


def table(*rows: tuple[str, str], count: int = 0, checksum: str = "", columns=("id", "name")) -> Table:
    return Table(columns, count or len(rows), checksum or str(sorted(rows)), {row[:1]: row for row in rows})


def compare(before: Table, after: Table, allowed: Allowed = STRICT) -> list[str]:
    return differences({"client": before}, {"client": after}, allowed)


def test_equal_rows_are_no_difference():
    assert compare(table(("1", "Alder")), table(("1", "Alder"))) == []


def test_a_changed_value_is_named():
    assert compare(table(("1", "Alder")), table(("1", "Birch"))) == ["client: row 1: name was Alder, is Birch"]


def test_a_lost_row_is_named():
    found = compare(table(("1", "Alder"), ("2", "Birch")), table(("1", "Alder")))
    assert found == ["client: 2 rows before, 1 after", "client: row 2 is gone"]


def test_a_lost_column_is_named():
    after = Table(("id",), 1, "other", {("1",): ("1",)})
    assert compare(table(("1", "Alder")), after) == ["client: the column name is gone"]


def test_a_lost_table_is_named_unless_it_may_go():
    before = {"client": table(("1", "Alder"))}
    assert differences(before, {}, STRICT) == ["client: the table is gone, it had 1 rows"]
    assert differences(before, {}, Allowed({}, {}, {"client": "replaced by party"})) == []


def test_a_difference_after_the_sample_is_found():
    found = compare(table(("1", "Alder"), count=900, checksum="a"), table(("1", "Alder"), count=900, checksum="b"))
    assert found == ["client: the first 200 rows are equal, rows after them differ"]


def test_a_table_that_may_grow_keeps_its_old_rows():
    allowed = Allowed({"client": "new rows"}, {}, {})
    assert compare(table(("1", "Alder")), table(("1", "Alder"), ("2", "Birch")), allowed) == []
    assert compare(table(("1", "Alder")), table(("1", "Birch"), ("2", "Alder")), allowed)
    assert compare(table(("1", "Alder"), ("2", "Birch")), table(("1", "Alder")), allowed)


def test_many_changed_rows_are_counted():
    before = table(*((str(number), "Alder") for number in range(9)))
    after = table(*((str(number), "Birch") for number in range(9)))
    assert compare(before, after)[-1] == "client: 6 more rows of the first 200 differ"
