"""Whether this process must stop soon: long work checks between its steps, and returns what it holds."""

import mmap

_flag = mmap.mmap(-1, 1)  # shared with processes forked later; without a lock that a killed one could keep


def stop() -> None:
    """Request an orderly stop."""
    _flag[0] = 1


def go_on() -> None:
    _flag[0] = 0


def is_stopping() -> bool:
    return _flag[0] == 1
