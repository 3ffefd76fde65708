"""Columns of a list: their head on the page, their cells in a file."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Column:
    """`key` is also the name of its sort, where the list has one. `value(row)` gives the cell of a file as a plain value;
    None: the column stands on the page alone (buttons, marks). `first`: the direction of the first click."""

    key: str
    label: Any
    value: Callable[[Any], Any] | None = None
    css: str = ""
    first: str = "asc"
    is_quiet: bool = False  # its head is for screen readers only
    is_in_file_only: bool = False
    file_label: Any = ""  # where its head says something else in a file
