# SPDX-License-Identifier: Apache-2.0
"""Several named process trees of one machine: who belongs to which, who was born, who exited.

Newcomers are found without listing the machine's processes: ids are given out in order, so only the ids between the one
given out last at the previous look and the one given out last now can be new.
"""

from __future__ import annotations

import errno
import os
import select
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from lichen.collect.machine.parts.guard import GUARD_COMM
from lichen.collect.machine.processes.orphans import adopts
from lichen.collect.machine.processes.proc import MachineStat, Stat, all_pids, read_stat
from lichen.collect.machine.processes.tree import Member, Tree
from lichen.errors import NothingMeasured

_RANGE_MAX: Final = 400
"""Ids to try one by one; above, listing /proc is cheaper."""
_VISIBLE_AFTER_NS: Final = 5_000_000
"""An id is given out a moment before its process can be opened: it is tried again until this long after."""
_REMEMBERED_MAX: Final = 4096
"""Exited members whose orphans are still recognised."""
_EVENTS_MAX: Final = 1024
_INIT_PID: Final = 1


class Activity(NamedTuple):
    """How busy the trees are.

    Attributes:
        used_ns: CPU time booked in all trees.
        busiest_ns: most that one process has used since the previous `Forest.activity`, and could take with it.
    """

    used_ns: int
    busiest_ns: int


class Forest:
    """Members of the named trees. Not thread-safe: the meter holds a lock.

    Args:
        wake: a descriptor that ends `wait` when it becomes readable.
    """

    def __init__(self, wake: int) -> None:
        self.trees: dict[str, Tree] = {}
        self.members: dict[int, Member] = {}
        self.machine = MachineStat()
        self._epoll = select.epoll()
        self._wake = wake
        self._epoll.register(wake, select.EPOLLIN)
        self._by_fd: dict[int, Member] = {}
        self._once: dict[int, Tree] = {}
        self._reapers: dict[int, Tree] = {}
        self._pending: dict[int, int] = {}
        self._last_pid = self.machine.last_pid()
        self._own_pid = os.getpid()

    def add(self, name: str, pid: int) -> None:
        """Counts ``pid`` and its present descendants under ``name`` from now on; deeper named trees keep theirs.

        Raises:
            NothingMeasured: no such process.
        """
        self.look()
        tree = self.trees.get(name) or Tree(name)
        root = self.members.get(pid) or self._admit(pid, tree, newborn=False)
        if root is None:
            raise NothingMeasured(
                f"There is no process {pid} to measure as '{name}'.",
                repair="It ended, or another user's processes are hidden here (hidepid): start it again.",
                culprit=str(pid),
            )
        self.trees[name] = tree
        tree.roots.add(pid)
        if root.tree is not tree:
            root.move(tree)
        parent = read_stat(root.ppid)
        if (parent is not None and parent.comm == GUARD_COMM) or (root.ppid == self._own_pid and adopts()):
            self._reapers[root.ppid] = tree
        self._adopt_descendants(root)

    def _adopt_descendants(self, root: Member) -> None:
        """Books every present descendant of ``root`` under its tree, save those below another named root."""
        parents: dict[int, int] = {}
        for pid in all_pids():
            stat = read_stat(pid)
            if stat is not None and not stat.dead:
                parents[pid] = stat.ppid
        children: dict[int, list[int]] = {}
        for pid, ppid in parents.items():
            children.setdefault(ppid, []).append(pid)
        named = {pid for tree in self.trees.values() for pid in tree.roots} - {root.pid}
        stack = [pid for pid in children.get(root.pid, ()) if pid not in named]
        while stack:
            pid = stack.pop()
            stack.extend(child for child in children.get(pid, ()) if child not in named)
            member = self.members.get(pid)
            if member is None:
                self._admit(pid, root.tree, newborn=False)
            elif member.tree is not root.tree:
                member.move(root.tree)

    def _admit(self, pid: int, tree: Tree | None, *, newborn: bool) -> Member | None:
        """Opens the books of ``pid``; None when it is gone, a mere thread, or (without ``tree``) a stranger."""
        try:
            pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            self._pending.setdefault(pid, time.monotonic_ns())
            return None
        except OSError as error:
            if error.errno != errno.EMFILE:
                return None
            pidfd = -1
        stat = read_stat(pid)
        # An id is given again only when no session nor group bears it any more.
        self._once.pop(pid, None)
        if stat is not None and not stat.dead:
            tree = tree or self._tree_of(pid, stat)
        if stat is None or stat.dead or tree is None:
            if pidfd >= 0:
                os.close(pidfd)
            return None
        member = Member(pid, stat, tree, pidfd=pidfd, newborn=newborn)
        self.members[pid] = member
        if pidfd >= 0:
            self._by_fd[pidfd] = member
            self._epoll.register(pidfd, select.EPOLLIN)
        return member

    def _tree_of(self, pid: int, stat: Stat) -> Tree | None:
        """Tree of a newcomer: its parent's; an orphan's, that of whom adopted it or of the member that led its session.

        The parent of an orphan is process 1, which in a container may well be a member itself.
        """
        parent = self.members.get(stat.ppid)
        if parent is not None and parent.pid != _INIT_PID:
            return parent.tree
        if stat.ppid in self._reapers:
            return self._reapers[stat.ppid]
        for leader in (stat.session, stat.group):
            if leader in (pid, _INIT_PID):
                continue
            member = self.members.get(leader)
            if member is not None:
                return member.tree
            if leader in self._once:
                return self._once[leader]
        return parent.tree if parent is not None else None

    def look(self, *, exits: bool = True) -> None:
        """Learns who exited and who was born.

        Args:
            exits: false when nobody exited since the latest `wait`: whoever did meanwhile ends the next one.
        """
        if exits or len(self._by_fd) < len(self.members):
            self.bury()
        self._find_newcomers()

    def _find_newcomers(self) -> None:
        last = self.machine.last_pid()
        now_ns = time.monotonic_ns()
        again = [pid for pid in self._pending if pid not in self.members]
        first, self._last_pid = self._last_pid, last
        for pid in again:
            if now_ns - self._pending[pid] >= _VISIBLE_AFTER_NS:
                self._admit(pid, None, newborn=True)
                self._pending.pop(pid, None)
        if last == first and self.machine.counts_births:
            return
        fresh: Iterable[int] = range(first + 1, last + 1)
        if not (self.machine.counts_births and 0 < last - first <= _RANGE_MAX):
            fresh = all_pids()
        for pid in fresh:
            if pid not in self.members:
                self._admit(pid, None, newborn=True)

    def wait(self, timeout_s: float) -> bool:
        """Sleeps until a member exits, the wake descriptor is written, or the time is over. Needs no lock.

        The clock of a member that exits is read at once: its parent, who erases it, was woken at the same instant.

        Returns:
            False when the time was over.
        """
        events = self._epoll.poll(timeout_s, _EVENTS_MAX)
        for fd, _ in events:
            member = self._by_fd.get(fd)
            if member is not None:
                self.read_clock(member)
        return bool(events)

    def bury(self) -> None:
        """Closes the books of every member that has exited, children before parents."""
        exited: list[Member] = []
        for fd, _ in self._epoll.poll(0, _EVENTS_MAX):
            member = self._by_fd.pop(fd, None)
            if member is not None:
                self.read_clock(member)
                exited.append(member)
            if fd != self._wake:
                self._epoll.unregister(fd)
        if len(self._by_fd) < len(self.members):
            exited += [
                m for m in self.members.values() if m.pidfd < 0 and ((stat := m.read_stat()) is None or stat.dead)
            ]
        for member in sorted(exited, key=lambda m: (m.start_ticks, m.pid), reverse=True):
            self._bury_one(member)

    def _bury_one(self, member: Member) -> None:
        stat = member.read_stat()
        if stat is not None:
            member.book_children(stat.children_ns)
            member.read_io()
        del self.members[member.pid]
        member.settle()
        parent = self.members.get(member.ppid)
        if parent is not None:
            parent.inherit(member)
        self._once[member.pid] = member.tree
        while len(self._once) > _REMEMBERED_MAX:
            del self._once[next(iter(self._once))]
        for orphan in self.members.values():
            if orphan.ppid == member.pid:
                orphan.read_stat()
        member.close()

    @staticmethod
    def read_clock(member: Member) -> None:
        """Reads one CPU clock; a process that was reaped a moment ago keeps its last reading."""
        try:
            clock_ns = time.clock_gettime_ns(member.clock_id)
        except OSError:
            return
        member.clock_ns = max(member.clock_ns, clock_ns)

    def read_clocks(self) -> tuple[int, int]:
        """Reads every CPU clock in one go; monotonic time before and after [ns]."""
        clock: Callable[[int], int] = time.clock_gettime_ns
        members = list(self.members.values())
        before_ns = time.monotonic_ns()
        for member in members:
            try:
                member.clock_ns = max(member.clock_ns, clock(member.clock_id))
            except OSError:
                continue
        return before_ns, time.monotonic_ns()

    def read_children(self, *, roots_only: bool = False) -> None:
        """Books the exited children that were never seen alive.

        The counters are read before the search for exited members: a member that is in a counter is thus always known
        to have exited when the counter is booked.

        Args:
            roots_only: only where no other member would inherit the counter.
        """
        counters = [
            (member, children_ns)
            for member in self.members.values()
            if not (roots_only and member.ppid in self.members) and (children_ns := member.read_children()) is not None
        ]
        self.bury()
        for member, children_ns in counters:
            if self.members.get(member.pid) is member:
                member.book_children(children_ns)

    def of(self, tree: Tree) -> Iterator[Member]:
        """Live members of a tree."""
        return (member for member in self.members.values() if member.tree is tree)

    def cpu_ns(self) -> dict[str, int]:
        """CPU time booked per tree since it was added."""
        total = {name: tree.closed_ns for name, tree in self.trees.items()}
        for member in self.members.values():
            total[member.tree.name] += member.used_ns()
        return total

    def activity(self) -> Activity:
        """What the latest readings of the clocks say of everybody but this process."""
        used_ns = sum(tree.closed_ns for tree in self.trees.values())
        busiest_ns = 0
        for member in self.members.values():
            if member.pid == self._own_pid:
                continue
            used_ns += member.used_ns()
            # A root that this process started waits for it when it ends, with its clock: nobody else takes that away.
            if member.ppid != self._own_pid or member.pid not in member.tree.roots:
                busiest_ns = max(busiest_ns, member.clock_ns - member.watched_ns)
            member.watched_ns = member.clock_ns
        return Activity(used_ns, busiest_ns)

    def close(self) -> None:
        """Gives every descriptor back."""
        for member in self.members.values():
            member.close()
        self.members.clear()
        self._epoll.close()
        self.machine.close()
