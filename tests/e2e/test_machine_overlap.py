# SPDX-License-Identifier: Apache-2.0
"""Parts that hold the same processes are refused before the window begins; others are measured side by side."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from lichen.collect.counters import Counter
from lichen.collect.machine.cgroups.counter import CgroupCounter
from lichen.collect.machine.cgroups.own import OwnCgroup
from lichen.collect.machine.machine_meter import MachineMeter
from lichen.collect.machine.overlap import refuse_overlaps
from lichen.errors import ConfigError, NothingMeasured

PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-S", "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
print(child.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def group() -> Iterator[Callable[[str], OwnCgroup]]:
    """Makes control groups."""
    try:
        OwnCgroup("probe").close()
    except NothingMeasured as refused:
        pytest.skip(refused.problem)
    with contextlib.ExitStack() as stack:
        yield lambda label: stack.enter_context(OwnCgroup(label))


@pytest.fixture
def family() -> Iterator[tuple[int, int]]:
    """A process and its child."""
    with subprocess.Popen(
        [sys.executable, "-S", "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process.pid, int(process.stdout.readline())
        process.communicate()


def measured(parts: dict[str, int | Counter]) -> None:
    with MachineMeter() as meter:
        for name, part in parts.items():
            meter.add(name, part)
        meter.edge()


def test_one_process_is_no_two_parts(family: tuple[int, int]) -> None:
    with pytest.raises(ConfigError, match=rf"'a' and 'b' hold the same processes \(process {family[0]}\)"):
        measured({"a": family[0], "b": family[0]})


def test_a_tree_within_a_tree_is_the_deeper_ones(family: tuple[int, int]) -> None:
    measured({"outer": family[0], "inner": family[1]})


@pytest.mark.parametrize("member", [0, 1])
@pytest.mark.parametrize("turned", [False, True])
def test_a_group_and_a_process_of_it_or_around_it(
    group: Callable[[str], OwnCgroup], family: tuple[int, int], member: int, turned: bool
) -> None:
    held = group("held")
    held.join(family[member])
    parts: dict[str, int | Counter] = {"a": family[0], "b": CgroupCounter.of_pid(family[member])}
    with pytest.raises(ConfigError, match=r"hold the same processes .* would count twice"):
        measured(dict(reversed(parts.items())) if turned else parts)


def test_two_counters_of_one_group(group: Callable[[str], OwnCgroup], family: tuple[int, int]) -> None:
    group("held").join(family[0])
    with pytest.raises(ConfigError, match="'a' and 'b' hold the same processes"):
        measured({"a": CgroupCounter.of_pid(family[0]), "b": CgroupCounter.of_pid(family[0])})


def test_groups_side_by_side_are_two_parts(group: Callable[[str], OwnCgroup], family: tuple[int, int]) -> None:
    for label, pid in zip(("one", "two"), family, strict=True):
        group(label).join(pid)
    measured({"a": CgroupCounter.of_pid(family[0]), "b": CgroupCounter.of_pid(family[1])})


class _OfEngine:
    """What an engine out of sight tells of."""

    def __init__(self, *ids: str) -> None:
        self._ids = frozenset(ids)

    def container_ids(self) -> frozenset[str]:
        return self._ids


def test_containers_out_of_sight_are_told_apart_by_their_ids() -> None:
    refuse_overlaps({}, {"a": _OfEngine("1" * 64), "b": _OfEngine("2" * 64)})  # type: ignore[dict-item]
    with pytest.raises(ConfigError, match=r"\(container 222222222222\)"):
        refuse_overlaps({}, {"a": _OfEngine("1" * 64, "2" * 64), "b": _OfEngine("2" * 64)})  # type: ignore[dict-item]
