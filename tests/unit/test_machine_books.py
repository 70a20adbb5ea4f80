# SPDX-License-Identifier: Apache-2.0
"""Books of a tree, memory series and balance, on hand-computed cases."""

import os
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lichen.collect.balance import balance, noise_ns
from lichen.collect.counters import Edge, Reading
from lichen.collect.machine.processes.memory import MemorySeries
from lichen.collect.machine.processes.proc import Stat
from lichen.collect.machine.processes.tree import CHILDREN_SLACK_NS, Member, Tree
from lichen.errors import NothingMeasured

MS = 1_000_000


def member(tree: Tree, *, newborn: bool, children_ns: int = 0) -> Member:
    """A book whose clock the test sets: its pid is this process's, its figures are not."""
    made = Member(
        os.getpid(), Stat("x", "S", 1, 1, 1, children_ns, not children_ns, 7), tree, pidfd=-1, newborn=newborn
    )
    made.move(tree)
    tree.closed_ns = tree.closed_io_bytes = 0
    return made


def test_children_never_seen_are_booked_once():
    book = member(Tree("t"), newborn=True)
    start = book.used_ns()
    book.book_children(50 * MS)
    book.book_children(50 * MS)
    assert book.used_ns() - start == 50 * MS
    book.book_children(80 * MS)
    assert book.used_ns() - start == 80 * MS


def test_children_seen_are_not_booked_again():
    tree = Tree("t")
    parent, child = member(tree, newborn=True), member(tree, newborn=True)
    child.clock_ns = 37 * MS
    parent.inherit(child)
    start = parent.used_ns()
    parent.book_children(30 * MS)
    assert parent.used_ns() == start
    parent.book_children(60 * MS)
    assert parent.used_ns() - start == 23 * MS


def test_counter_of_an_older_process_is_cut_so_only_the_certain_is_booked():
    book = member(Tree("t"), newborn=False, children_ns=1000 * MS)
    start = book.used_ns()
    book.book_children(1000 * MS + CHILDREN_SLACK_NS)
    assert book.used_ns() == start
    book.book_children(1100 * MS)
    assert book.used_ns() - start == 100 * MS - CHILDREN_SLACK_NS


def test_a_child_that_is_taken_out_of_the_table_keeps_the_parent_that_waited_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The kernel then says that its parent is 0: booked nowhere, its time would be taken for that of a child never seen."""
    child = member(Tree("t"), newborn=True)
    fields = ["X", "0", "-1", "-1", *["0"] * 15, str(child.start_ticks)]
    monkeypatch.setattr(child, "_stat_file", SimpleNamespace(read=lambda: f"9 (x) {' '.join(fields)}".encode()))
    stat = child.read_stat()
    assert stat is not None
    assert stat.dead
    assert child.ppid == 1


def test_what_a_child_inherited_and_booked_explains_its_parents_counter():
    tree = Tree("t")
    parent, child = member(tree, newborn=True), member(tree, newborn=True)
    child.clock_ns = 5 * MS
    child.book_children(40 * MS)
    parent.inherit(child)
    start = parent.used_ns()
    parent.book_children(45 * MS)
    assert parent.used_ns() == start


@given(st.lists(st.integers(0, 10**9), max_size=30), st.lists(st.integers(0, 10**9), max_size=5))
def test_books_never_go_backwards_nor_beyond_the_counter(counters, known):
    tree = Tree("t")
    book = member(tree, newborn=True)
    start, last, counter = book.used_ns(), 0, 0
    for clock_ns in known:
        child = member(tree, newborn=True)
        child.clock_ns = clock_ns
        book.inherit(child)
    for step in counters:
        counter += step
        book.book_children(counter)
        booked = book.used_ns() - start
        assert last <= booked <= max(0, counter - sum(known))
        last = booked


def test_moving_a_book_splits_its_time_between_two_trees():
    old, new = Tree("old"), Tree("new")
    book = member(old, newborn=True)
    book.clock_ns += 11 * MS
    book.move(new)
    book.clock_ns += 4 * MS
    assert (old.closed_ns, book.used_ns(), new.closed_ns) == (11 * MS, 4 * MS, 0)
    book.settle()
    assert (old.closed_ns, new.closed_ns) == (11 * MS, 4 * MS)


@dataclass
class Pages:
    """Stands where a process would: its two readings are what the test says."""

    private: int
    shared: int

    def read_memory(self) -> tuple[int, int]:
        return self.private, self.shared


def test_memory_without_calibration_is_a_proxy_private_plus_the_largest_shared_part():
    series = MemorySeries()
    series.look(0, [Pages(100, 40), Pages(50, 60)], edge=True)
    series.look(2 * 10**9, [Pages(200, 40), Pages(50, 60)])
    series.look(4 * 10**9, [Pages(100, 40), Pages(50, 60)], edge=True)
    assert series.method == "proxy"
    assert series.byte_seconds(4 * 10**9) == (210 + 310) / 2 * 2 + (310 + 210) / 2 * 2
    assert series.byte_seconds(0) == 0
    assert series.peak_bytes(4 * 10**9) == 310


def test_memory_of_a_rest_is_flat_until_the_trees_work_again():
    series = MemorySeries()
    series.look(0, [Pages(100, 0)], edge=True)
    series.look(11 * 10**9, [Pages(300, 0)], edge=True, unchanged_ns=10 * 10**9)
    assert series.byte_seconds(11 * 10**9) == 100 * 10 + 200


def test_peak_counts_from_the_previous_edge_included():
    series = MemorySeries()
    for at, private, edge in ((0, 900, False), (1, 500, True), (2, 700, False), (3, 200, True), (4, 100, True)):
        series.look(at, [Pages(private, 0)], edge=edge)
    assert series.peak_bytes(3) == 700
    assert series.peak_bytes(4) == 200
    assert series.peak_bytes(1) == 900
    assert MemorySeries().peak_bytes(1) is None


def test_memory_of_nobody_is_zero():
    series = MemorySeries()
    series.look(0, [], edge=True)
    series.look(10**9, [], edge=True)
    assert (series.byte_seconds(10**9), series.peak_bytes(10**9)) == (0, 0)


def test_calibration_fixes_the_shared_part_of_this_very_process():
    from lichen.collect.machine.processes.proc import pss_bytes

    book = Member(os.getpid(), Stat("x", "S", 1, 1, 1, 0, True, 7), Tree("t"), pidfd=-1, newborn=True)
    series = MemorySeries()
    series.calibrate(0, [book])
    series.look(0, [book], edge=True)
    book.close()
    assert series.method == "measured"
    assert series.peak_bytes(0) == pytest.approx(pss_bytes(os.getpid()), rel=0.05)


def edge(at_ns: int, busy_ns: int | None, steal_ns: int = 0, **trees: int) -> Edge:
    readings = {
        name: Reading(cpu_ns=cpu, disk_bytes=None, memory_byte_seconds=None, memory_peak_bytes=None, alive=1)
        for name, cpu in trees.items()
    }
    return Edge(at_ns=at_ns, spread_ns=0, readings=readings, machine_busy_ns=busy_ns, machine_steal_ns=steal_ns)


def test_balance_by_hand():
    first = edge(0, 5000 * MS, 10 * MS, browser=100 * MS)
    last = edge(2000 * MS, 6500 * MS, 60 * MS, browser=900 * MS, server=300 * MS)
    found = balance(first, last, 2)
    assert found is not None
    assert found.parts == {"browser": 800 * MS, "server": 300 * MS}
    assert (found.total_ns, found.attributed_ns) == (4000 * MS, 1100 * MS)
    assert (found.unattributed_ns, found.idle_ns, found.stolen_ns) == (400 * MS, 2450 * MS, 50 * MS)
    assert found.unattributed_share == 0.1
    assert found.within_noise


@given(
    st.integers(1, 10**12),
    st.integers(0, 10**12),
    st.integers(0, 10**11),
    st.integers(0, 10**12),
    st.integers(1, 256),
)
def test_balance_sums_exactly(wall, busy, steal, tree, cpus):
    found = balance(edge(5, 7, 3, a=11), edge(5 + wall, 7 + busy, 3 + steal, a=11 + tree), cpus)
    assert found is not None
    assert (
        found.attributed_ns + found.unattributed_ns + found.idle_ns + found.stolen_ns == found.total_ns == cpus * wall
    )
    assert found.within_noise == (busy - tree >= -noise_ns(cpus * wall, cpus))


def test_negative_rest_is_reported_not_clipped():
    found = balance(edge(0, 0, a=0), edge(1000 * MS, 100 * MS, a=500 * MS), 2)
    assert found is not None
    assert found.unattributed_ns == -400 * MS
    assert not found.within_noise


def test_balance_without_counters_or_length():
    assert balance(edge(0, None), edge(1, None), 2) is None
    with pytest.raises(NothingMeasured, match="no length"):
        balance(edge(5, 1), edge(5, 1), 2)
