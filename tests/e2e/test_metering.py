# SPDX-License-Identifier: Apache-2.0
"""Meters beside real programs: a number in a file, at an address and in Prometheus, that grows by a known power."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.prometheus_support import answering, send

from lichen.collect.base import Window
from lichen.collect.counters import Instant
from lichen.collect.machine.endpoint import Address
from lichen.collect.machine.meters.collector import MeterCollector
from lichen.collect.machine.meters.plain import HttpDisplay, PlainSource
from lichen.collect.machine.series_counter import SeriesCounter
from lichen.errors import ConfigError
from lichen.ledger import runfile

WATTS = 50.0
BURN = "import time\nend = time.process_time() + 1.5\nwhile time.process_time() < end: pass\n"


@contextlib.contextmanager
def growing(file: Path) -> Iterator[None]:
    """A file of joules, replaced twenty times a second."""
    over = threading.Event()
    began = time.monotonic()

    def write() -> None:
        while True:
            fresh = file.with_suffix(".new")
            fresh.write_text(f"{1e6 + WATTS * (time.monotonic() - began):.3f}\n")
            fresh.replace(file)
            if over.wait(0.05):
                return

    thread = threading.Thread(target=write)
    thread.start()
    while not file.exists():
        time.sleep(0.01)
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_command_is_given_its_share_of_the_machines_meter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("lichen.toml").write_text(
        '[run]\ntier = "server"\n[[meter]]\nname = "wall"\nkind = "file"\npath = "joules"\nunit = "J"\n'
    )
    with growing(tmp_path / "joules"):
        command = [sys.executable, "-m", "lichen", "run", "--quiet", "--", sys.executable, "-c", BURN]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    [path] = (tmp_path / "lichen-runs").glob("*.run.json.gz")
    run = runfile.read(path).content
    journey = run["journeys"][0]
    [books] = journey["energy"]
    window_s = journey["samples"][0]["window_s"]
    # Twenty steps a second, seen once a second: an edge may be off by a step, and by when the file was looked at.
    assert books["total_kwh"] * 3.6e6 == pytest.approx(WATTS * window_s, rel=0.1)
    parts = sum(books["parts_kwh"].values())
    assert parts + books["other_kwh"] + books["idle_kwh"] == pytest.approx(books["total_kwh"])
    [row] = [row for row in run["activities"] if row["quantity"] == "energy"]
    assert (row["boundary"], row["method"]) == ("it", "allocated")
    assert row["value"] == pytest.approx(books["parts_kwh"]["command"])
    assert 0 < row["value"] <= books["total_kwh"]


def test_a_meter_at_an_address_is_found_at_the_edges() -> None:
    began = time.monotonic()

    def answer(handler) -> None:
        assert handler.path == "/rpc/status?id=1"
        send(handler, json.dumps({"meters": [{"total": (time.monotonic() - began) * WATTS}]}))

    with answering(answer) as url:
        display = HttpDisplay("The meter", Address(url=f"{url}/rpc/status?id=1"))
        counter = SeriesCounter("the meter", PlainSource("The meter", display, unit="J", path="meters.0.total"))
        counter.start()
        edges = []
        for _ in range(2):
            edges.append(Instant(monotonic_ns=time.monotonic_ns(), wall_ns=time.time_ns()))
            if len(edges) == 1:
                time.sleep(3)
        first, last = counter.readings_at(edges)
        counter.close()
    assert first.energy_j is not None
    assert last.energy_j is not None
    assert last.energy_j - first.energy_j == pytest.approx(WATTS * 3, rel=0.05)


def test_a_meter_that_falls_silent_leaves_the_energy_unknown() -> None:
    silent = threading.Event()

    def answer(handler) -> None:
        send(handler, f"{time.monotonic()} J", status=500 if silent.is_set() else 200)

    with answering(answer) as url:
        display = HttpDisplay("The meter 'wall'", Address(url=url))
        source = PlainSource("The meter 'wall'", display, unit="J")
        source.start()
        first_ns = time.time_ns()
        silent.set()
        time.sleep(0.2)
        source._closed.set()
        collected = source.collect(first_ns, time.time_ns() + 20 * 10**9)
        source.close()
    assert collected.curves == {}
    assert "no reading close to an edge" in collected.notes[0]


def test_the_collector_reads_a_file(tmp_path: Path) -> None:
    file = tmp_path / "joules"
    with growing(file):
        window = Window(entity="a", duration_s=2.0, target={"file": str(file), "unit": "J"})
        [row] = MeterCollector().collect(window)
    assert (row.quantity, row.unit, row.method, row.attribute("boundary")) == ("energy", "kWh", "metered", "it")
    assert (row.value or 0) * 3.6e6 == pytest.approx(WATTS * 2, rel=0.15)
    with pytest.raises(ConfigError, match="cannot read"):
        list(MeterCollector().collect(Window(entity="a", duration_s=1.0, target={"meter": "wattmeter"})))
