# SPDX-License-Identifier: Apache-2.0
"""Watts of a hardware thread from a table of servers: made up ones by hand, and what ships from the published ones."""

from __future__ import annotations

import csv
import runpy
from pathlib import Path
from typing import Any, Final

import pytest

from lichen.factors import TABLE_VCPU_POWER

ROOT: Final = Path(__file__).resolve().parents[2]
FIT: Final[dict[str, Any]] = runpy.run_path(str(ROOT / "tools" / "fit_vcpu_power.py"))
PUBLISHED: Final = ROOT.parent / "shared" / "data" / "servers" / "spec_power_ssj2008.csv"


def test_memory_is_taken_off_and_small_servers_are_left_out(tmp_path: Path) -> None:
    """Ten servers of 100 threads and 100 GB at 0.1 W/GB: (60 - 10) / 100 W idle, (210 to 300 - 10) / 100 W at full load."""
    path = tmp_path / "table.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["HW_CPUName", "CPUThreads", "HW_MemAmountGB", "ActiveIdle", "100_AvgPower"])
        writer.writerows(["AMD EPYC 7763", 100, 100, 60, 210 + 10 * number] for number in range(10))
        writer.writerows(["AMD EPYC 7763", 16, 100, 6000, 60000] for _ in range(5))
        writer.writerows(["Intel Xeon Platinum 8180", 112, 100, 60, 400] for _ in range(9))
    found = FIT["measured"](path, 0.1)
    assert set(found) == {("idle", "zen3"), ("full", "zen3")}, "nine servers are too few"
    assert found["idle", "zen3"].value == pytest.approx(0.5)
    full = found["full", "zen3"]
    assert full.value == pytest.approx(2.45)
    assert (full.low, full.high) == pytest.approx((2.045, 2.855 * 1.3))


@pytest.mark.skipif(not PUBLISHED.is_file(), reason="the table of published servers is not shipped")
def test_what_ships_is_what_the_published_servers_give() -> None:
    assert TABLE_VCPU_POWER.read_text(encoding="utf-8") == FIT["table"](PUBLISHED)
