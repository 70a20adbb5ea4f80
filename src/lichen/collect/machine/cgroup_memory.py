# SPDX-License-Identifier: Apache-2.0
"""Memory of one control group over time: its working set integrated, and the highest of each span.

Between two looks the kernel's own high-water mark knows what nobody saw. It counts file pages too; those that were idle at the
looks around are taken off it, so that a file written once does not pass for memory in use. Setting the mark back needs Linux 6.12
(version 2: each reader has a mark of its own) or a group of one's own (version 1: there is one mark for all readers).
"""

from __future__ import annotations

from lichen.collect.machine.cgroup import MEMORY, UNIFIED, Group
from lichen.collect.machine.cgroup_files import GroupFile, GroupFiles


class GroupMemory:
    """Looks at the memory of a group. Times are on the monotonic clock [ns].

    Args:
        files: the group's accounts.
        own: the group was made by this process, so that its mark of version 1 may be set back.
    """

    def __init__(self, files: GroupFiles, *, own: bool = False) -> None:
        self._files = files
        self._mark, self._reset = _mark(files.group, own=own)
        self._known = self._start_mark()
        self._at_ns: int | None = None
        self._used = self._idle = 0
        self._byte_seconds = 0.0

    @property
    def marks(self) -> bool:
        """Whether the kernel's high-water mark of a span is known; otherwise peaks are the highest seen."""
        return self._known

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

    def _start_mark(self) -> bool:
        return self._mark is not None and self._mark.write(self._reset)

    def _marked(self) -> int:
        """The mark since the previous look, set back; 0 when it cannot be."""
        if not self._known or self._mark is None:
            return 0
        content = self._mark.read()
        self._known = self._start_mark()
        return int(content or 0)

    def close(self) -> None:
        """Gives every descriptor back."""
        if self._mark is not None:
            self._mark.close()


def _mark(group: Group, *, own: bool) -> tuple[GroupFile | None, bytes]:
    """The file of the high-water mark and what sets it back."""
    if MEMORY in group.folders:
        return (
            (GroupFile(group.folders[MEMORY] / "memory.max_usage_in_bytes", writable=True), b"0")
            if own
            else (None, b"")
        )
    if UNIFIED in group.folders:
        return GroupFile(group.folders[UNIFIED] / "memory.peak", writable=True), b"reset"
    return None, b""
