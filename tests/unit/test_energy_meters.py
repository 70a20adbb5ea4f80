# SPDX-License-Identifier: Apache-2.0
"""Meters of energy: zones that lie in each other, counters that wrap, energy shared out. Figures of others as oracles."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lichen.collect.machine.cumulative import Cumulative
from lichen.collect.machine.meters import nvml
from lichen.collect.machine.meters.allocation import allocate
from lichen.collect.machine.meters.base import MachineCpu, MeterCounter
from lichen.collect.machine.meters.plain import FileDisplay, PlainSource, moves, number_in
from lichen.collect.machine.meters.rapl import Rapl, probe
from lichen.collect.machine.prometheus.series import Series
from lichen.errors import ConfigError, NothingMeasured

S = 10**9

# --- counters that wrap -----------------------------------------------------------------------------------------------


def test_a_counter_that_wraps_goes_on() -> None:
    # Kepler's own case: 262143328000 to 1000 with a highest of 262143328850 are 1,850 microjoules.
    books = Cumulative(262143328850)
    assert books.feed(262143328000) == 0
    assert books.feed(1000) == 1850
    assert books.resets == 1


def test_a_counter_that_wraps_twice_keeps_what_was_added() -> None:
    books: Cumulative[int] = Cumulative(99)
    assert [books.feed(value) for value in (90, 5, 3)] == [0, 14, 111]
    assert books.resets == 2


def test_a_reading_that_failed_is_none_and_loses_nothing() -> None:
    books = Cumulative(1000)
    assert [books.feed(value) for value in (100, None, 300, None, 50)] == [0, None, 200, None, 950]


def test_a_counter_without_a_highest_value_that_falls_was_set_to_zero() -> None:
    books = Cumulative()
    assert [books.feed(value) for value in (100.0, 130.0, 5.0)] == [0, 30, 35]


# --- RAPL -------------------------------------------------------------------------------------------------------------


def zone(root: Path, place: str, name: str, microjoules: int, highest: int = 262143328850) -> Path:
    folder = root / place
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "name").write_text(f"{name}\n")
    (folder / "max_energy_range_uj").write_text(f"{highest}\n")
    (folder / "energy_uj").write_text(f"{microjoules}\n")
    return folder / "energy_uj"


@contextlib.contextmanager
def as_nobody(folder: Path) -> Iterator[None]:
    """Without the rights of root, who may read everything."""
    if os.geteuid() != 0:
        yield
        return
    for parent in (folder, *folder.parents):  # those of pytest are its user's own
        if parent.stat().st_uid == 0 and parent.name.startswith(("pytest-", "popen-", "test_")):
            parent.chmod(0o755)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def read(meter: Rapl) -> float | None:
    value = meter.read_j()
    return None if value is None else round(value, 9)


def test_packages_and_memory_are_added_and_what_lies_in_them_is_not(tmp_path: Path) -> None:
    package = zone(tmp_path, "intel-rapl:0", "package-0", 5_000_000)
    core = zone(tmp_path, "intel-rapl:0:0", "core", 4_000_000)
    memory = zone(tmp_path, "intel-rapl:0:1", "dram", 9_000_000)
    twin = zone(tmp_path, "intel-rapl-mmio:0", "package-0", 5_000_000)
    meter = Rapl(tmp_path)
    meter.start()
    # 50 J in the package, 10 of them in the cores, 3 J in memory.
    for file, value in ((package, 55_000_000), (core, 14_000_000), (memory, 12_000_000), (twin, 55_000_000)):
        file.write_text(f"{value}\n")
    assert read(meter) == 53
    assert "lower bound" in meter.notes()[0]
    meter.close()


def test_the_platform_is_taken_alone(tmp_path: Path) -> None:
    package = zone(tmp_path, "intel-rapl:0", "package-0", 1_000_000)
    platform = zone(tmp_path, "intel-rapl:1", "psys", 2_000_000)
    meter = Rapl(tmp_path)
    meter.start()
    package.write_text("4850000\n")
    platform.write_text("8660000\n")
    assert read(meter) == 6.66
    meter.close()


def test_a_platform_that_was_never_wired_is_passed_over(tmp_path: Path) -> None:
    package = zone(tmp_path, "intel-rapl:0", "package-0", 1_000_000)
    zone(tmp_path, "intel-rapl:1", "psys", 0)
    meter = Rapl(tmp_path)
    meter.start()
    package.write_text("3000000\n")
    assert read(meter) == 2
    meter.close()


def test_two_dies_that_show_one_counter_count_once(tmp_path: Path) -> None:
    one = zone(tmp_path, "intel-rapl:0", "package-0-die-0", 68_000_000)
    other = zone(tmp_path, "intel-rapl:1", "package-0-die-1", 68_000_400)
    meter = Rapl(tmp_path)
    meter.start()
    one.write_text("136000000\n")
    other.write_text("136000400\n")
    assert read(meter) == 68
    assert any("shows the counter of another zone" in note for note in meter.notes())
    meter.close()


def test_two_packages_with_counters_of_their_own_are_added(tmp_path: Path) -> None:
    one = zone(tmp_path, "intel-rapl:0", "package-0", 68_000_000)
    other = zone(tmp_path, "intel-rapl:1", "package-1", 90_000_000)
    meter = Rapl(tmp_path)
    meter.start()
    one.write_text("69000000\n")
    other.write_text("92000000\n")
    assert read(meter) == 3
    meter.close()


def test_a_zone_that_cannot_be_read_any_more_makes_the_figure_unknown(tmp_path: Path) -> None:
    package = zone(tmp_path, "intel-rapl:0", "package-0", 5_000_000)
    counter = MeterCounter(Rapl(tmp_path))
    counter.start()
    package.write_text("\n")
    assert counter.read().energy_j is None
    package.write_text("7000000\n")
    assert counter.read().energy_j == pytest.approx(2)
    counter.close()


def test_no_rapl_and_a_rapl_that_this_user_may_not_read(tmp_path: Path) -> None:
    absent = probe(tmp_path / "powercap")
    assert not absent.ok
    assert "virtual machines have none" in absent.lacks
    zone(tmp_path, "intel-rapl:0", "core", 1)
    assert "neither packages nor a platform" in probe(tmp_path).lacks


def test_the_repair_of_a_closed_meter(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0", 1).chmod(0)
    with as_nobody(tmp_path):
        answer = probe(tmp_path)
    assert (answer.ok, "chmod -R a+r /sys/class/powercap/*" in answer.repair) == (False, True)


# --- NVIDIA -----------------------------------------------------------------------------------------------------------


class RecordedCard:
    """Answers with what a card told, one value a question. No such card is in the machines that run these tests."""

    def __init__(self, energy_mj: list[int | None], power_mw: list[int | None]) -> None:
        self._energy, self._power = iter(energy_mj), iter(power_mw)

    def energy_mj(self) -> int | None:
        return next(self._energy)

    def power_mw(self) -> int | None:
        return next(self._power)


def cards(*listed: RecordedCard, clock: Iterator[int] | None = None) -> nvml.Nvml:
    ticks = clock or iter(range(0, 100 * S, S))
    return nvml.Nvml(lambda: (list(listed), lambda: None), clock_ns=lambda: next(ticks))


def test_the_energy_of_all_cards_is_added() -> None:
    # The first question asks whether a card counts energy, the second is the start.
    meter = cards(RecordedCard([0, 1000, 3500, None], []), RecordedCard([0, 50_000, 51_000, 52_000], []))
    meter.start()
    assert [meter.read_j(), meter.read_j()] == [3.5, None]
    assert meter.notes() == ()


def test_the_power_of_an_older_card_is_integrated() -> None:
    meter = cards(RecordedCard([None], [100_000, 200_000, None, 200_000]))
    meter.start()
    # 100 to 200 W in a second; unknown; 200 W for the two seconds since.
    assert [meter.read_j(), meter.read_j(), meter.read_j()] == [150.0, None, 550.0]
    assert "integrated" in meter.notes()[0]


def test_without_a_driver_there_is_a_sentence() -> None:
    with pytest.raises(NothingMeasured, match="no NVIDIA card"):
        cards().start()
    with pytest.raises(NothingMeasured, match="tells its energy or its power"):
        cards(RecordedCard([None], [None])).start()


# --- plain meters -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("123.5\n", "", 123.5),
        ("  12,75 kWh", "", 12.75),
        ("1.5e3", "", 1500),
        ("energy 5", "", None),
        ("inf", "", None),
        ('{"emeters": [{"total": 5.25}]}', "emeters.0.total", 5.25),
        ('{"state": "7.5 kWh"}', "state", 7.5),
        ('{"state": true}', "state", None),
        ('{"state": NaN}', "state", None),
        ('{"state": 1}', "state.x", None),
        ("[1, 2]", "5", None),
        ("{", "a", None),
    ],
)
def test_the_number_in_what_a_meter_shows(text: str, path: str, value: float | None) -> None:
    assert number_in(text, path) == value


def test_a_coarse_meter_is_read_where_it_moves() -> None:
    shown = Series.of((), [(at * S, float(value)) for at, value in enumerate([5, 5, 5, 6, 6, 6, 7, 7])])
    assert moves(shown) == [(0, 5), (3 * S, 6), (6 * S, 7), (7 * S, 7)]


class Shown(NamedTuple):
    """A display that never changes."""

    text: str

    def read(self) -> str:
        return self.text

    def close(self) -> None: ...


def test_a_meter_that_stands_still_leaves_the_energy_unknown(tmp_path: Path) -> None:
    file = tmp_path / "energy"
    file.write_text("17.25 kWh")
    source = PlainSource("The meter", FileDisplay(file), unit="kWh")
    source.start()
    now_ns = source._samples[0][0]
    collected = source.collect(now_ns, now_ns + 1)
    source.close()
    assert collected.curves == {}
    assert "did not move" in collected.notes[0]


def test_what_is_no_meter(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'W' is no unit"):
        PlainSource("The meter", Shown("1"), unit="W")
    absent = PlainSource("The meter 'm'", FileDisplay(tmp_path / "none"), unit="J")
    with pytest.raises(NothingMeasured, match=f"The meter 'm' cannot be read: {tmp_path}/none: No such file"):
        absent.start()
    wordy = PlainSource("The meter 'm'", Shown("<html>"), unit="J")
    with pytest.raises(NothingMeasured, match="The meter 'm' shows no number: '<html>'"):
        wordy.start()


# --- who used it ------------------------------------------------------------------------------------------------------


def test_idle_energy_is_apart() -> None:
    # 40 W at a quarter of the machine: 10 W active, 30 W idle; 20 % of the CPU time in use: 2 W.
    found = allocate(40, parts_cpu_ns={"a": 50}, busy_ns=250, total_ns=1000)
    assert (found.parts["a"], found.other_j, found.idle_j) == (2, 8, 30)


def test_parts_have_the_share_of_their_cpu_time() -> None:
    # 60 W at a third; of 1,000 ms in use 150, 60 and 200 ms are of three parts.
    found = allocate(60, parts_cpu_ns={"a": 150, "b": 60, "pod": 200, "gone": None}, busy_ns=1000, total_ns=3000)
    assert {name: value and round(value, 9) for name, value in found.parts.items()} == {
        "a": 3.0, "b": 1.2, "pod": 4.0, "gone": None,
    }  # fmt: skip
    assert found.idle_j == pytest.approx(40)


def test_idle_energy_by_share() -> None:
    found = allocate(40, parts_cpu_ns={"a": 50}, busy_ns=250, total_ns=1000, idle="by share")
    assert (found.parts["a"], found.other_j, found.idle_j) == (8, 32, 0)


def test_when_nothing_ran_all_of_it_is_idle() -> None:
    found = allocate(40, parts_cpu_ns={"a": 0, "b": None}, busy_ns=0, total_ns=1000, idle="by share")
    assert (found.parts, found.idle_j) == ({"a": 0.0, "b": None}, 40)


def test_ticks_do_not_give_parts_more_than_there_was() -> None:
    found = allocate(10, parts_cpu_ns={"a": 900, "b": 300}, busy_ns=1000, total_ns=1100)
    assert sum(value or 0 for value in found.parts.values()) == pytest.approx(10)
    assert (found.other_j, found.idle_j) == (0, 0)


@given(
    energy=st.floats(0, 1e9),
    used=st.lists(st.one_of(st.none(), st.integers(0, 10**12)), max_size=6),
    busy=st.integers(0, 10**12),
    total=st.integers(0, 10**13),
    by_share=st.booleans(),
)
def test_no_energy_is_lost_or_made(
    energy: float, used: list[int | None], busy: int, total: int, by_share: bool
) -> None:
    parts = {str(i): value for i, value in enumerate(used)}
    found = allocate(energy, parts_cpu_ns=parts, busy_ns=busy, total_ns=total, idle="by share" if by_share else "apart")
    known = [value for value in found.parts.values() if value is not None]
    assert sum(known) + found.other_j + found.idle_j == pytest.approx(energy)
    assert min([*known, found.other_j, found.idle_j]) >= -1e-9 * energy


def test_the_machines_busy_time_is_read() -> None:
    machine = MachineCpu()
    machine.start()
    first = machine.read().cpu_ns
    sum(range(3_000_000))
    last = machine.read().cpu_ns
    machine.close()
    assert first is not None
    assert last is not None
    assert last >= first > 0
