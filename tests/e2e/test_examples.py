# SPDX-License-Identifier: Apache-2.0
"""The worked example is followed to the letter, with fewer photographs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lichen.ledger import runfile

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "recipes" / "measure-a-batch.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.beside
def test_a_batch_is_measured_from_outside_and_from_inside(tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    [program] = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "batch.py").write_text(program, encoding="utf-8")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    said = []
    for command in re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        fewer = command.replace("photos 200", "photos 16").replace("--samples 5", "--samples 2")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", fewer],
            cwd=tmp_path, env=os.environ | {"PATH": path}, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        said.append(done)
    _, outside, inside = said
    found = re.findall(r"size 640: (\d+) of 8 animals found, 0 photographs without", outside.stdout)
    assert len(found) == 2
    assert all(int(count) >= 6 for count in found)
    assert "per 1,000 images" in outside.stderr
    assert re.findall(r"^(\d+): ", inside.stdout, re.MULTILINE) == ["320", "640", "1280"]
    runs = {run["journeys"][0]["name"]: run for run in map(_content, runfile.find(tmp_path / "lichen-runs"))}
    assert set(runs) == {"detect 320", "detect 640", "detect 1280"}
    # Work grows with the number of pixels: four times as many take more CPU time.
    cpu_s = {name: _cpu_s(run) for name, run in runs.items()}
    assert cpu_s["detect 320"] < cpu_s["detect 1280"]


def _content(path: Path) -> dict[str, Any]:
    return dict(runfile.read(path).content)


def _cpu_s(run: dict[str, Any]) -> float:
    return next(float(row["value"]) for row in run["activities"] if row["quantity"] == "cpu_time")
