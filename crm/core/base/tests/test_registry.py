import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from crm.core.base.registry import Registry


@dataclass(frozen=True)
class Item:
    key: str
    order: int = 0
    shown: Any = None


def test_items_come_in_their_order_and_equals_as_registered():
    items = Registry[Item]("item")
    for item in (Item("late", 9), Item("b"), Item("a")):
        items.register(item)
    assert [item.key for item in items] == ["b", "a", "late"]
    assert (items["late"].order, items.get("none"), "a" in items, len(items)) == (9, None, True, 3)


def test_a_key_is_taken_once():
    items = Registry[Item]("item")
    items.register(Item("a"))
    with pytest.raises(ValueError, match="already a item named 'a'"):
        items.register(Item("a"))


def test_what_is_not_shown_to_a_principal_is_not_offered():
    items = Registry[Item]("item")
    items.register(Item("all"))
    items.register(Item("admins", shown=lambda principal: principal == "admin"))
    assert [item.key for item in items.shown("marta")] == ["all"]
    assert [item.key for item in items.shown("admin")] == ["all", "admins"]


WITHOUT_PAGES = """
import gc, json, django
django.setup()
from crm.core.base.registry import Registry
def known():
    return {one.what: sorted(one._items) for one in gc.get_objects() if type(one) is Registry}
before = known()
import crm.urls
after = known()
print(json.dumps({what: sorted({*keys} - {*before.get(what, ())}) for what, keys in after.items()}))
"""


# asked for by requests alone
OF_PAGES = {"action on selected rows", "list page", "change feed", "circumstance of a reader"}


def test_a_worker_knows_all_that_is_registered():
    """Workers load no pages: what a module of pages alone registers is not there when mail is sent."""
    ended = subprocess.run([sys.executable, "-c", WITHOUT_PAGES], capture_output=True, text=True)
    assert not ended.returncode, ended.stderr
    late = {
        what: keys for what, keys in json.loads(ended.stdout.splitlines()[-1]).items() if what not in OF_PAGES and keys
    }
    assert not late
