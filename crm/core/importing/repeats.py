"""What occurs more than once in a file, found in one pass with little memory."""

from bisect import bisect_right
from collections.abc import Hashable, Iterable

BITS = 64  # for each row: one in a hundred single keys is taken for a repeated one


class Repeats:
    """Keys are noted in a first pass. `may_repeat` says of a key whether it was noted twice; of a few single ones it says so as well, so
    it only tells what is worth remembering. A million rows take some eight megabytes, however long the keys.
    """

    def __init__(self, rows: int):
        self._size = max(1 << 16, rows * BITS)
        self._seen = bytearray(self._size // 8 + 1)
        self._again: set[int] = set()

    def note(self, key: Hashable) -> None:
        place = hash(key) % self._size
        byte, bit = place >> 3, 1 << (place & 7)
        if self._seen[byte] & bit:
            self._again.add(place)
        else:
            self._seen[byte] |= bit

    def may_repeat(self, key: Hashable) -> bool:
        return hash(key) % self._size in self._again


class Numbers:
    """A growing set of numbers that mostly follow one another, kept as ranges."""

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []

    def update(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            if self._lasts and self._lasts[-1] + 1 == number:
                self._lasts[-1] = number
            elif number not in self:
                place = bisect_right(self._firsts, number)
                self._firsts.insert(place, number)
                self._lasts.insert(place, number)

    def __contains__(self, number: int) -> bool:
        place = bisect_right(self._firsts, number) - 1
        return place >= 0 and number <= self._lasts[place]
