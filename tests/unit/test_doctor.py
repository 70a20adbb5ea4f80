# SPDX-License-Identifier: Apache-2.0
"""A diagnosis looks and changes nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import t

from lichen.config import load_settings
from lichen.service.doctor import diagnose, fix
from lichen.service.workspace import Workspace
from lichen.stats.detectable import smallest_change


def workspace(folder: Path, text: str) -> Workspace:
    (folder / "lichen.toml").write_text(text)
    return Workspace(load_settings(folder / "lichen.toml", overrides={}, env={}))


def finding(rows: list[dict[str, Any]], topic: str) -> dict[str, Any]:
    (row,) = [row for row in rows if row["topic"] == topic]
    return row


def test_the_folder_of_the_runs_is_not_made(tmp_path: Path) -> None:
    found = finding(diagnose(workspace(tmp_path, 'output.runs = "deep/er/runs"')), "run files")
    assert found["ok"]
    assert [path.name for path in tmp_path.iterdir()] == ["lichen.toml"]


@pytest.mark.parametrize("place", ["lichen.toml/runs", "/proc/1/lichen-runs"])
def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, place: str) -> None:
    found = finding(diagnose(workspace(tmp_path, f'output.runs = "{place}"')), "run files")
    assert not found["ok"]
    assert place.rpartition("/")[0] in found["what"]
    assert "--out" in found["repair"]


def test_the_configured_browser_is_that_of_the_configured_profile(tmp_path: Path) -> None:
    program = tmp_path / "mine"
    program.write_text("#!/bin/sh\necho Chromium 123.0.1.2\n")
    program.chmod(0o755)
    for profile, other in (("fast", "fidelity"), ("fidelity", "fast")):
        here = workspace(tmp_path, f'measure.profile = "{profile}"\nbrowser.executable = "{program}"')
        rows = diagnose(here)
        assert str(program) in finding(rows, f"browser ({profile})")["what"]
        assert str(program) not in finding(rows, f"browser ({other})")["what"]
        assert fix(here, [profile]) == ["Nothing to repair: the browsers are there."]  # type: ignore[list-item]


def test_calibration_says_how_small_a_change_can_show(tmp_path: Path) -> None:
    rows = diagnose(workspace(tmp_path, ""), calibrate=True, seconds=0.1)
    said = re.search(
        r"vary by ([\d.]+)% .* 7 samples a side can show a change of ([\d.]+)%", finding(rows, "precision")["what"]
    )
    assert said is not None
    cv, change = float(said[1]), float(said[2])
    assert change == pytest.approx(1.6310537 * cv, abs=0.15)


@pytest.mark.parametrize("samples", [2, 7, 30])
def test_smallest_change_by_another_library(samples: int) -> None:
    freedom = 2 * samples - 2
    expected = (t.ppf(0.975, freedom) + t.ppf(0.8, freedom)) * 0.03 * (2 / samples) ** 0.5
    assert smallest_change(0.03, samples) == pytest.approx(expected, rel=1e-9)
    assert smallest_change(0.0, samples) == 0.0


def test_one_sample_shows_nothing() -> None:
    with pytest.raises(ValueError, match="two samples"):
        smallest_change(0.03, 1)
