# SPDX-License-Identifier: Apache-2.0
"""The rule on real runs: those of the loan portal that `benchmarks/gate.py` recorded, compared with themselves."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = " ".join((ROOT / "docs" / "compare.md").read_text(encoding="utf-8").split())


@pytest.fixture(scope="module")
def gate() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("benchmark_gate", ROOT / "benchmarks" / "gate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def runs(gate: ModuleType) -> dict[str, np.ndarray]:
    rows = gate.load()
    return {name: np.array([float(row[name] or "nan") for row in rows]) for name in gate.COLUMNS[2:]}


def told(pattern: str) -> list[float]:
    found = re.search(pattern, PAGE)
    assert found is not None, pattern
    return [float(number) for number in found.groups()]


def test_the_page_tells_how_many_runs_and_how_noisy(runs: dict[str, np.ndarray]) -> None:
    count, cv = told(r"(\d+) runs of the portal .*? CV of ([\d.]+) %")
    cpu = runs["cpu_time"]
    assert count == len(cpu)
    assert cv / 100 == pytest.approx(cpu.std(ddof=1) / cpu.mean(), abs=0.0006)


@pytest.mark.parametrize("name", ["cpu_time", "energy"])
def test_runs_of_one_version_hardly_ever_fail(gate: ModuleType, runs: dict[str, np.ndarray], name: str) -> None:
    fails, _, _ = gate.resampled(runs[name], 0.0, np.random.default_rng(22))
    assert fails <= gate.FALSE_FAILS


def test_the_page_tells_what_is_seen(gate: ModuleType, runs: dict[str, np.ndarray]) -> None:
    for change, pattern in (
        (0.0, r"nothing changed: ([\d.]+) % fail, ([\d.]+) pairs"),
        (0.10, r"10 % more CPU time: ([\d.]+) % fail, ([\d.]+) pairs"),
        (0.15, r"15 % more: ([\d.]+) % fail, ([\d.]+) pairs"),
    ):
        fails, _, pairs = gate.resampled(runs["cpu_time"], change, np.random.default_rng(22))
        assert told(pattern) == [pytest.approx(100 * fails, abs=0.06), pytest.approx(pairs, abs=0.06)]


@pytest.mark.parametrize("name", ["network_bytes", "requests", "layouts"])
def test_counters_agree_from_run_to_run(runs: dict[str, np.ndarray], name: str) -> None:
    """Where they are known: a page that is left too quickly cannot always be asked for its layouts."""
    known = runs[name][~np.isnan(runs[name])]
    assert len(set(known)) == 1
    assert len(known) >= (0.9 if name == "layouts" else 1.0) * len(runs[name])
