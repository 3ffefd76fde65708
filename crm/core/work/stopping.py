"""Whether this process is to stop soon: long work asks between its parts, and gives back what it holds."""

import mmap

_flag = mmap.mmap(-1, 1)  # shared with the processes forked after this; no lock that a killed one could take along


def stop() -> None:
    """An orderly stop has been asked for."""
    _flag[0] = 1


def go_on() -> None:
    _flag[0] = 0


def is_stopping() -> bool:
    return _flag[0] == 1
