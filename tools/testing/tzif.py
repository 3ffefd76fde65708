"""An independent reader of time zone files (RFC 9636), the oracle for `crm.core.base.dates`: it shares no code with
`zoneinfo`.

Offsets are seconds east of UTC, moments are seconds since 1970 in UTC, wall times are the same count as if they were
UTC.
"""

import calendar
import importlib.resources
import re
import struct
import zoneinfo
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

ALWAYS = -(1 << 62)
DAY = 86_400


@dataclass(frozen=True)
class Stretch:
    """`offset` holds for moments in [start, end)."""

    start: int
    end: int
    offset: int


class Zone:
    """Stretches of one zone up to a year, from its file."""

    def __init__(self, data: bytes, *, until_year: int = 2032):
        times, offsets, footer = _second_block(data)
        times, offsets = [ALWAYS, *times], offsets
        for moment, offset in _by_rule(footer, until_year):
            if moment > times[-1]:
                times.append(moment)
                offsets.append(offset)
        ends = [*times[1:], 1 << 62]
        self.stretches = [Stretch(*parts) for parts in zip(times, ends, offsets, strict=True)]
        self.starts = times

    def changes(self, start: int, end: int) -> list[tuple[int, int, int]]:
        """(moment, offset before, offset after) of every change of the offset in [start, end)."""
        pairs = zip(self.stretches, self.stretches[1:], strict=False)
        return [(b.start, a.offset, b.offset) for a, b in pairs if start <= b.start < end and a.offset != b.offset]

    def near(self, wall: int) -> list[Stretch]:
        """Stretches that can hold a moment whose wall time is `wall`."""
        first = bisect_right(self.starts, wall - 2 * DAY) - 1
        last = bisect_right(self.starts, wall + 2 * DAY)
        return self.stretches[max(0, first) : last]

    def moment_of(self, wall: int) -> int:
        """Our rule: the first moment with this wall time; if there is none, it moves forward by the gap."""
        near = self.near(wall)
        shown = [wall - s.offset for s in near if s.start <= wall - s.offset < s.end]
        if shown:
            return min(shown)
        for before, after in zip(near, near[1:], strict=False):
            if before.end + before.offset <= wall < after.start + after.offset:
                return wall - before.offset
        raise AssertionError(f"no moment for {wall}")


def file_of(name: str) -> bytes:
    """The bytes that `zoneinfo` reads for a name: the machine's, else those of the tzdata package."""
    for folder in zoneinfo.TZPATH:
        if (path := Path(folder, *name.split("/"))).is_file():
            return path.read_bytes()
    return importlib.resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()


def _second_block(data: bytes) -> tuple[list[int], list[int], str]:
    """Times of change, the offset before the first and from each on, and the rule for what comes after."""
    start, width = 0, 4
    if data[4:5] >= b"2":  # the first block is for readers of 1990; skip it
        start, width = 44 + _length(data[20:44], 4), 8
    isutc, isstd, leap, count, kinds, chars = struct.unpack(">6l", data[start + 20 : start + 44])
    at = start + 44
    times = list(struct.unpack(f">{count}{'q' if width == 8 else 'l'}", data[at : at + count * width]))
    at += count * width
    which = data[at : at + count]
    at += count
    infos = [struct.unpack(">lbB", data[at + 6 * n : at + 6 * n + 6]) for n in range(kinds)]
    at += 6 * kinds + chars + leap * (width + 4) + isstd + isutc
    before = next((info[0] for info in infos if not info[1]), infos[0][0])
    return times, [before, *(infos[n][0] for n in which)], data[at:].decode().strip() if width == 8 else ""


def _length(counts: bytes, width: int) -> int:
    isutc, isstd, leap, count, kinds, chars = struct.unpack(">6l", counts)
    return count * width + count + 6 * kinds + chars + leap * (width + 4) + isstd + isutc


RULE = re.compile(
    r"(?:<[^>]+>|[A-Za-z]+)(?P<std>[-+\d:]+)(?:(?:<[^>]+>|[A-Za-z]+)(?P<dst>[-+\d:]+)?,(?P<from>[^,]+),(?P<to>[^,]+))?$"
)


def _by_rule(footer: str, until_year: int):
    """(moment, offset) of every change that the footer's rule makes (POSIX TZ: signs are west)."""
    found = RULE.match(footer)
    if not found or not found["from"]:
        return []
    std = -_seconds(found["std"])
    dst = -_seconds(found["dst"]) if found["dst"] else std + 3600
    changes = []
    for year in range(1971, until_year + 1):
        changes.append((_on(year, found["from"]) - std, dst))
        changes.append((_on(year, found["to"]) - dst, std))
    return sorted(changes)


def _on(year: int, rule: str) -> int:
    """The wall time of a rule such as M10.5.0/3, J60 or 59 in a year."""
    day, _slash, at = rule.partition("/")
    seconds = _seconds(at) if at else 2 * 3600
    if day[0] == "M":
        month, week, weekday = (int(part) for part in day[1:].split("."))
        first, days = calendar.monthrange(year, month)
        place = 1 + ((weekday + 6) % 7 - first) % 7 + 7 * (week - 1)
        while place > days:
            place -= 7
        return calendar.timegm((year, month, place, 0, 0, 0)) + seconds
    number = int(day.lstrip("J"))
    number -= 1 if day[0] == "J" else 0
    number += 1 if day[0] == "J" and calendar.isleap(year) and number >= 59 else 0
    return calendar.timegm((year, 1, 1, 0, 0, 0)) + number * DAY + seconds


def _seconds(text: str) -> int:
    sign = -1 if text[0] == "-" else 1
    parts = [int(part) for part in text.lstrip("+-").split(":")] + [0, 0]
    return sign * (parts[0] * 3600 + parts[1] * 60 + parts[2])
