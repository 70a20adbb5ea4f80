# SPDX-License-Identifier: Apache-2.0
"""Parts that hold the same processes: what they use would count twice, so they are refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import PurePath
from typing import Protocol, runtime_checkable

from lichen.collect.counters import Counter
from lichen.collect.machine.cgroups.group import Group
from lichen.collect.machine.processes.proc import read_stat
from lichen.errors import ConfigError


@runtime_checkable
class Grouped(Protocol):
    """A counter that knows which control groups it counts."""

    def groups(self) -> tuple[Group, ...]:
        """The control groups that are watched now."""
        ...


@runtime_checkable
class Contained(Protocol):
    """A counter of containers that an engine tells of."""

    def container_ids(self) -> frozenset[str]:
        """The containers that are watched now."""
        ...


def refuse_overlaps(roots: Mapping[str, Iterable[int]], counters: Mapping[str, Counter]) -> None:
    """Lets parts pass that have nothing in common.

    Args:
        roots: root processes of each process tree. Of trees in each other the meter itself books each process once, as the
            deeper one's; two with one root cannot be told apart.
        counters: that were started.

    Raises:
        ConfigError: two of them count the same processes.
    """
    pids = {name: frozenset(listed) for name, listed in roots.items()}
    groups = {name: counter.groups() for name, counter in counters.items() if isinstance(counter, Grouped)}
    ids = {name: counter.container_ids() for name, counter in counters.items() if isinstance(counter, Contained)}
    for one, other in combinations(pids, 2):
        _check(one, other, (f"process {pid}" for pid in pids[one] & pids[other]))
    for one, other in combinations(ids, 2):
        _check(one, other, (f"container {shared[:12]}" for shared in ids[one] & ids[other]))
    for one, other in combinations(groups, 2):
        _check(one, other, _nested(groups[one], groups[other]))
    for tree, held in pids.items():
        for counter, listed in groups.items():
            _check(tree, counter, (group.name for group in listed if _descends(group.pids(), held)))


def _check(one: str, other: str, shared: Iterable[str]) -> None:
    for what in shared:
        raise ConfigError(
            f"'{one}' and '{other}' hold the same processes ({what}): what these use would count twice.",
            repair="Take one of them out, or name a control group or a process that the other does not hold.",
            culprit=other,
        )


def _nested(some: Iterable[Group], others: Sequence[Group]) -> Iterator[str]:
    """The groups that lie in a group of the others, or the other way round."""
    for a in some:
        for b in others:
            if _lies_in(a.home, b.home):
                yield a.name
            elif _lies_in(b.home, a.home):
                yield b.name


def _lies_in(folder: PurePath, other: PurePath) -> bool:
    return folder == other or other in folder.parents


def _descends(pids: Iterable[int], roots: frozenset[int]) -> bool:
    """Whether one of the processes is a root's, or descends from one."""
    strangers: set[int] = set()
    for pid in pids:
        above, line = pid, []
        while above > 0 and above not in strangers:
            if above in roots:
                return True
            line.append(above)
            stat = read_stat(above)
            above = 0 if stat is None else stat.ppid
        strangers.update(line)
    return False
