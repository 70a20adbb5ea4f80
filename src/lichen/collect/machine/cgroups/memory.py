# SPDX-License-Identifier: Apache-2.0
"""Memory of one control group over time: its working set integrated, and the highest of each span.

Between two looks the kernel's own high-water mark knows what nobody saw. Since Linux 6.12 each reader of version 2 may set a
mark of its own back; elsewhere there is one for the group's whole life, which tells the peak of a span only when it rises in it.
The mark counts file pages too; those that were idle at the looks around are taken off it, so that a file written once does not
pass for memory in use.
"""

from __future__ import annotations

from typing import Final

from lichen.collect.machine.cgroups.files import GroupFile, GroupFiles
from lichen.collect.machine.cgroups.group import MEMORY, UNIFIED, Group

_SET_BACK: Final = b"reset"


class GroupMemory:
    """Looks at the memory of a group. Times are on the monotonic clock [ns].

    Args:
        files: the group's accounts.

    Attributes:
        marks: whether the kernel knows the peak of every span; otherwise peaks are mostly the highest seen.
    """

    def __init__(self, files: GroupFiles) -> None:
        self._files = files
        self._mark = _mark(files.group)
        self.marks = self._mark is not None and self._mark.write(_SET_BACK)
        self._mark_bytes = self._read_mark()
        self._at_ns: int | None = None
        self._used = self._idle = 0
        self._byte_seconds = 0.0

    def look(self, now_ns: int) -> tuple[float, int] | None:
        """(byte-seconds so far, highest since the previous look [B]); None when memory is not counted.

        Raises:
            GroupGone: the group was removed.
        """
        memory = self._files.memory()
        if memory is None:
            return None
        used, idle = memory
        highest = used
        if self._at_ns is not None:
            self._byte_seconds += (used + self._used) / 2 * (now_ns - self._at_ns) / 1e9
            highest = max(used, self._used, self._marked() - max(idle, self._idle))
        self._at_ns, self._used, self._idle = now_ns, used, idle
        return self._byte_seconds, highest

    def _read_mark(self) -> int:
        content = self._mark.read() if self._mark is not None else None
        return int(content) if content else 0

    def _marked(self) -> int:
        """The mark since the previous look; 0 when it is an older one."""
        before, self._mark_bytes = self._mark_bytes, self._read_mark()
        if self.marks and self._mark is not None:
            self._mark.write(_SET_BACK)
            return self._mark_bytes
        return self._mark_bytes if self._mark_bytes > before else 0

    def close(self) -> None:
        """Gives every descriptor back."""
        if self._mark is not None:
            self._mark.close()


def _mark(group: Group) -> GroupFile | None:
    """The file of the high-water mark."""
    if MEMORY in group.folders:
        return GroupFile(group.folders[MEMORY] / "memory.max_usage_in_bytes")
    if UNIFIED in group.folders:
        return GroupFile(group.folders[UNIFIED] / "memory.peak", writable=True)
    return None
