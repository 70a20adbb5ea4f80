# SPDX-License-Identifier: Apache-2.0
"""An import that is killed: nothing is half-written, and the next one goes on with the files that were summed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.focus_support import bring, on, project, rows, write

from lichen.collect.bills.pipeline import BillFile, Pipeline

pytestmark = [pytest.mark.slow, pytest.mark.beside]
FILES = 3
LINES = 20_000
MOMENTS: dict[str, Callable[[Path], bool]] = {
    "a file is summed": lambda folder: any((folder / "bills" / "charges").glob("????????????????????????????????")),
    "all are joined": lambda folder: (folder / "bills" / "work" / "keyed").is_dir(),
    "rows are being written": lambda folder: any((folder / "ledger" / "activities").glob("source=*/month=*/*.parquet")),
    "rows are committed": lambda folder: (folder / "ledger/activities/_delta_log" / f"{1:020d}.json").is_file(),
}


def killed_when(folder: Path, places: Path, ready: Callable[[Path], bool]) -> bool:
    """Runs an import and kills it at a moment; whether it was still running then."""
    program = "from lichen.cli import main; main()"
    command = [sys.executable, "-c", program, "import", "bills", str(places), "--create", "--quiet"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while process.poll() is None and not ready(folder / ".lichen") and time.monotonic() < until:
        time.sleep(0.002)
    running = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    return running


def test_an_import_that_is_killed_is_as_if_it_had_not_been_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bills = tmp_path / "bills"
    for number in range(FILES):
        lines = (
            on(at % 31 + 1, ResourceId=f"i-{number}-{at % 997}", EffectiveCost=f"{at / 7:.6f}") for at in range(LINES)
        )
        write(bills / f"{number}.csv", lines)
    clean = project(tmp_path / "clean")
    bring(clean, bills)
    columns = ("source", "day", "entity", "quantity", "value", "effective_amount", "activity_id")
    expected = rows(clean, *columns)

    workspace = project(tmp_path / "project")
    folder = tmp_path / "project"
    hit = {name: killed_when(folder, bills, ready) for name, ready in MOMENTS.items()}
    assert hit["a file is summed"]
    assert hit["all are joined"]
    found = rows(workspace, *columns)
    assert found in ([], expected), "all rows or none"

    summed: list[bool] = []
    true_sum = Pipeline.sum

    def remembered(self: Pipeline, file: BillFile) -> bool:
        summed.append(true_sum(self, file))
        return summed[-1]

    monkeypatch.setattr(Pipeline, "sum", remembered)
    assert not bring(workspace, bills).unchanged or found == expected
    assert summed == [False] * FILES or not summed, "what was summed is not summed again"
    assert rows(workspace, *columns) == expected
    assert [path.name for path in (folder / ".lichen" / "bills").iterdir()] == ["lock"]
