# SPDX-License-Identifier: Apache-2.0
"""The fit on servers that are made up from known coefficients: it finds them, and its range covers servers it has not seen."""

from __future__ import annotations

import csv
import io
import runpy
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from lichen.factors import PACK_SERVER_POWER
from lichen.factors.reader import read_pack
from lichen.factors.schema import problems

ROOT: Final = Path(__file__).resolve().parents[2]
FIT: Final[dict[str, Any]] = runpy.run_path(str(ROOT / "tools" / "fit_server_power.py"))
SHARES: Final = np.array([0, 0.17, 0.24, 0.3, 0.37, 0.44, 0.52, 0.61, 0.73, 0.87, 1])


def made(folder: Path, *, noise: float, models: int = 40) -> Path:
    """A table whose power follows known laws: of a CPU model's servers, all share one error of spread ``noise``."""
    draw = np.random.default_rng(7)
    path = folder / "table.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, FIT["COLUMNS"])
        writer.writeheader()
        for model in range(models):
            tdp, threads, amd = draw.uniform(60, 280), 2 * int(draw.integers(4, 64)), model % 3 == 0
            common = draw.normal(0.0, noise, 2)
            for chips, year in ((1, 2012), (2, 2013), (4, 2014), (1, 2016), (2, 2018), (4, 2021)):
                memory = float(draw.integers(2, 64)) * 8
                size = np.log([tdp * chips, threads * chips, memory])
                full = np.exp(1.0 + size @ [0.5, 0.3, 0.1] - 0.01 * (year - 2019) - 0.4 * amd + common[0])
                idle = np.exp(0.2 + size @ [0.2, 0.1, 0.3] + 0.04 * (year - 2019) + 0.1 * amd + common[1])
                powers = dict(zip(FIT["POWERS"], idle + (full - idle) * SHARES, strict=True))
                writer.writerow(
                    {
                        "Hardware_Availability_Year": year, "CPUMake": "amd" if amd else "intel", "CPUName": f"made{model}",
                        "HW_CPUName": f"Made {model}", "CPUChips": chips, "CPUThreads": threads * chips, "TDP": tdp,
                        "HW_MemAmountGB": memory,
                    } | powers
                )  # fmt: skip
    return path


def test_the_fit_finds_the_coefficients_of_the_law(tmp_path: Path) -> None:
    value = FIT["fit"](FIT["eras"](FIT["read"](made(tmp_path, noise=0.0)))["new"]).value
    expected = {
        "max.tdp_exponent": 0.5, "max.threads_exponent": 0.3, "max.memory_exponent": 0.1, "max.yearly_ratio": np.exp(-0.01),
        "max.amd_ratio": np.exp(-0.4), "idle.tdp_exponent": 0.2, "idle.threads_exponent": 0.1, "idle.memory_exponent": 0.3,
        "idle.yearly_ratio": np.exp(0.04), "idle.amd_ratio": np.exp(0.1), "curve.load_10": 0.17, "curve.load_90": 0.87,
    }  # fmt: skip
    assert {name: value[name] for name in expected} == pytest.approx(expected, rel=1e-4)


def test_without_noise_every_server_is_predicted_to_rounding(tmp_path: Path) -> None:
    new = FIT["eras"](FIT["read"](made(tmp_path, noise=0.0)))["new"]
    errors = FIT["residuals"](new, [FIT["FULL"]])[FIT["FULL"]]
    assert np.abs(errors).max() < 1e-3


def test_the_range_covers_servers_that_neither_fit_nor_range_has_seen(tmp_path: Path) -> None:
    new = FIT["eras"](FIT["read"](made(tmp_path, noise=0.2, models=60)))["new"]
    coverage = FIT["nested_coverage"](new, [FIT["FULL"]])[FIT["FULL"]]
    assert 0.85 <= coverage <= 0.97


def test_the_written_table_is_a_valid_table_of_the_pack(tmp_path: Path) -> None:
    text = FIT["table"](FIT["read"](made(tmp_path, noise=0.1)))
    (tmp_path / "tables").mkdir()
    (tmp_path / "packs").mkdir()
    (tmp_path / "tables" / "server_power.csv").write_text(text)
    pack = tmp_path / "packs" / "server_power.toml"
    pack.write_text(PACK_SERVER_POWER.read_text())
    found = read_pack(pack)
    assert list(problems(found)) == []
    shipped = read_pack(PACK_SERVER_POWER)
    names = [{(row.data["id"], str(row.data["valid_from"])) for row in some.rows} for some in (found, shipped)]
    assert names[0] == names[1]
    assert {row["source"] for row in csv.DictReader(io.StringIO(text))} == {"spec-power-fit"}


def test_less_knowledge_never_has_narrower_bounds(tmp_path: Path) -> None:
    new = FIT["eras"](FIT["read"](made(tmp_path, noise=0.2)))["new"]
    spread = FIT["spreads"](FIT["residuals"](new, list(FIT["situations"](year_known=False))))
    for fewer, (low, high) in spread.items():
        for more, (inner_low, inner_high) in spread.items():
            if set(fewer.split("_")) - {"nothing"} <= set(more.split("_")):
                assert (low <= inner_low).all(), (fewer, more)
                assert (high >= inner_high).all(), (fewer, more)
