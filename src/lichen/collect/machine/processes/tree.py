# SPDX-License-Identifier: Apache-2.0
"""The books of a process tree: who consumed what, and what its exited children left in its name.

The kernel keeps two records that together miss nothing. The clock of a process is exact and vanishes when its parent has
waited for it; the parent's "children" counter then contains it, with all it had inherited itself, cut to whole ticks.
A member's books therefore hold its own clock, and ``missed_ns``: the part of its children counter that the clocks of its
known children do not explain, which is the work of children born and gone between two looks. Only what is certain is
booked (the lower bound of the rounding), so that nothing is counted twice; what is booked is never taken back.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from lichen.collect.machine.processes.clock import cpu_clock_id, cpu_ns
from lichen.collect.machine.processes.proc import TICK_NS, ProcFile, Stat, parse_io, parse_stat, parse_statm

_NEVER_NS = -1
CHILDREN_SLACK_NS = 2 * TICK_NS
"""User and system time of children are each cut to whole ticks: together they lack less than this."""


@dataclass(slots=True)
class Tree:
    """Totals of a named tree that no longer depend on a live process.

    Attributes:
        roots: pids that were named.
        closed_ns, closed_io_bytes: consumption of members that exited or went to another tree.
    """

    name: str
    roots: set[int] = field(default_factory=set)
    closed_ns: int = 0
    closed_io_bytes: int = 0


class Member:
    """One process of a tree. Where its clock has not moved, it has not run, and what it did is not read again.

    Args:
        pid: process id.
        stat: its /proc line when it was found.
        tree: the tree it belongs to.
        newborn: born of a member while the meter ran: all it ever consumed counts. Otherwise counting starts now.

    Attributes:
        clock_ns: its CPU clock when last read.
        explained_ns: time in its children counter that other books hold.
        missed_ns: time in its children counter that only this book holds.
        watched_ns: its CPU clock when the trees were last asked how busy they are.
    """

    __slots__ = (
        "_base_io",
        "_base_ns",
        "_children_at_ns",
        "_children_base_ns",
        "_explained_io",
        "_io_at_ns",
        "_io_bytes",
        "_io_file",
        "_memory",
        "_memory_at_ns",
        "_slack_ns",
        "_stat_file",
        "_statm_file",
        "clock_id",
        "clock_ns",
        "comm",
        "explained_ns",
        "missed_ns",
        "pid",
        "pidfd",
        "ppid",
        "start_ticks",
        "tree",
        "watched_ns",
    )

    def __init__(self, pid: int, stat: Stat, tree: Tree, *, pidfd: int, newborn: bool) -> None:
        self.pid = pid
        self.pidfd = pidfd
        self.ppid = stat.ppid
        self.comm = stat.comm
        self.start_ticks = stat.start_ticks
        self.tree = tree
        self.clock_id = cpu_clock_id(pid)
        self.clock_ns = self.watched_ns = cpu_ns(pid) or 0
        self.explained_ns = 0
        self.missed_ns = 0
        self._stat_file = ProcFile(pid, "stat")
        self._statm_file = ProcFile(pid, "statm")
        self._io_file = ProcFile(pid, "io")
        self._io_bytes = 0
        self._explained_io = 0
        self._base_ns = self._base_io = self._children_base_ns = self._slack_ns = 0
        self._children_at_ns = self._io_at_ns = self._memory_at_ns = _NEVER_NS
        self._memory = (0, 0)
        if not newborn:
            self._base_ns = self.clock_ns
            self._children_base_ns = stat.children_ns
            self._slack_ns = 0 if stat.childless else CHILDREN_SLACK_NS
            self.read_io()
            self._base_io = self._io_bytes

    def used_ns(self) -> int:
        """CPU booked here since the meter watches it in its present tree."""
        return self.clock_ns + self.missed_ns - self._base_ns

    def used_io(self) -> int:
        """Storage traffic booked here since the meter watches it in its present tree."""
        return self._io_bytes - self._base_io

    def read_stat(self) -> Stat | None:
        """Its /proc line now, None when it is gone; learns its present parent.

        A process that is just being taken out of the table says that it has no parent: it keeps the one who waited for it.
        """
        content = self._stat_file.read()
        if content is None:
            return None
        stat = parse_stat(content)
        if stat.start_ticks != self.start_ticks:
            return None
        self.ppid = stat.ppid or self.ppid
        return stat

    def read_children(self) -> int | None:
        """Its children counter [ns]; None when it is gone, or has not run since the previous call."""
        if self._children_at_ns == self.clock_ns:
            return None
        at_ns, stat = self.clock_ns, self.read_stat()
        if stat is None:
            return None
        self._children_at_ns = at_ns
        return stat.children_ns

    def read_io(self) -> bool:
        """Reads its storage traffic, unless it has not run since; false when this user may not."""
        if self._io_at_ns == self.clock_ns:
            return True
        at_ns, content = self.clock_ns, self._io_file.read()
        if content:
            own = parse_io(content) - self._explained_io
            self._io_bytes = max(self._io_bytes, own)
            self._io_at_ns = at_ns
        return not self._io_file.denied

    def read_memory(self) -> tuple[int, int]:
        """(anonymous, shared) bytes when it last ran; zeros once it has exited."""
        if self._memory_at_ns != self.clock_ns:
            at_ns, content = self.clock_ns, self._statm_file.read()
            self._memory = parse_statm(content) if content else (0, 0)
            self._memory_at_ns = at_ns
        return self._memory

    def book_children(self, children_ns: int) -> None:
        """Books what its children counter proves beyond the known children.

        Args:
            children_ns: the counter, read before the latest search for exited members.
        """
        certain_ns = children_ns - self._children_base_ns - self._slack_ns - self.explained_ns
        self.missed_ns = max(self.missed_ns, certain_ns)

    def inherit(self, child: Member) -> None:
        """Notes that a known child exited: its books already hold what this one's counter will contain."""
        self.explained_ns += child.clock_ns + child.inherited_ns()
        self._explained_io += child.total_io()

    def inherited_ns(self) -> int:
        """Most that the children counter can contain without anything being missed."""
        return self._children_base_ns + self._slack_ns + self.explained_ns + self.missed_ns

    def total_io(self) -> int:
        """Storage traffic of its whole life, children included, as far as known."""
        return self._io_bytes + self._explained_io

    def move(self, tree: Tree) -> None:
        """Closes its books in the present tree and opens them in another."""
        self.settle()
        self.tree = tree

    def settle(self) -> None:
        """Hands what is booked to the tree, so that this member may leave it."""
        self.tree.closed_ns += self.used_ns()
        self.tree.closed_io_bytes += self.used_io()
        self._base_ns += self.used_ns()
        self._base_io += self.used_io()

    def close(self) -> None:
        """Gives its descriptors back."""
        for file in (self._stat_file, self._statm_file, self._io_file):
            file.close()
        if self.pidfd >= 0:
            os.close(self.pidfd)
            self.pidfd = -1
