"""What occurs twice is known, and little else."""

from crm.core.importing.repeats import Numbers, Repeats


def test_keys_that_were_noted_twice_may_repeat():
    found = Repeats(1000)
    keys = [f"row {n}" for n in range(1000)]
    for key in [*keys, *keys[::10]]:
        found.note(key)
    assert all(found.may_repeat(key) for key in keys[::10])
    single = [key for n, key in enumerate(keys) if n % 10]
    assert sum(map(found.may_repeat, single)) < len(single) / 20


def test_numbers_are_kept_as_ranges():
    found = Numbers()
    found.update(range(5, 1000))
    found.update([1002, 1003, 3, 1000, 1003])
    assert [n for n in range(1100) if n in found] == [3, *range(5, 1001), 1002, 1003]
    assert len(found._firsts) == 4
