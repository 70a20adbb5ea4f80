# SPDX-License-Identifier: Apache-2.0
"""Small runs with known rows, and what must be true of a ledger at any moment."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lichen.ledger import Ledger, RunContent, Selection, open_ledger, runfile
from lichen.ledger.copying import snapshot
from lichen.ledger.location import parse

QUANTITIES = {"cpu_time": "s", "memory_peak": "B", "network_bytes": "B"}


def row(
    quantity: str = "cpu_time", value: Any = 1.0, *, app: str = "loans", step: str = "send", **more: Any
) -> dict[str, Any]:
    """A row of the journey ``apply`` in the browser."""
    return {
        "entity": f"{app}/browser/apply/{step}", "quantity": quantity, "value": value, "unit": QUANTITIES[quantity],
        "method": "measured", "tier": "device", "basis": "per_unit", "functional_unit": "visit", **more,
    }  # fmt: skip


def run_of(
    *rows: dict[str, Any], day: str = "2026-03-01", project: str = "loans", version: str = "0.1.0"
) -> RunContent:
    """A run that took two samples; ``version`` tells runs of the same rows apart."""
    sampling = {
        "taken": 2, "discarded": 0, "primary_s": [1.0, 1.0], "kept": [0, 1], "precision": None, "target": None, "cv": None,
        "status": "fixed",
    }  # fmt: skip
    journey = {
        "name": "apply", "source": "apply.py", "functional_unit": "visit", "sampling": sampling, "requests": [],
        "notes": [], "agent_cpu_s": None, "driver_cpu_s": None,
    }  # fmt: skip
    return RunContent.of({
        "schema": runfile.SCHEMA, "lichen_version": version, "project": project, "started_at": f"{day}T10:00:00.000Z",
        "ended_at": f"{day}T10:02:00.000Z", "host": {"host_id": "h1"}, "browser": {"version": "156"}, "settings": {},
        "method": {"id": "lichen-1", "version": "1.0.0", "factors_hash": "0" * 64},
        "context": {"functional_unit": "visit"}, "journeys": [journey], "activities": list(rows),
    })  # fmt: skip


def batch_of(number: int, *, size: int = 5, rows: int = 40) -> list[RunContent]:
    """Runs that no other batch has, of ``rows`` rows each, all in one month."""
    return [
        run_of(*(row(value=float(i), step=f"s{i}") for i in range(rows)), version=f"{number}.{position}")
        for position in range(size)
    ]


def check_whole(ledger: Ledger, *, rows: int = 40, size: int | None = None) -> int:
    """Every run that a reader sees has all of its rows, once, and every batch all of its runs; the runs seen."""
    found = ledger.activities(columns=["run_id", "batch"])
    of_run = Counter(found["run_id"].to_pylist())
    assert set(of_run.values()) <= {rows}, of_run
    if size is not None:
        batches = Counter(batch for _, batch in set(zip(*found.to_pydict().values(), strict=True)))
        assert set(batches.values()) <= {size}, batches
    told = ledger.runs(columns=["run_id"])["run_id"].to_pylist()
    assert len(told) == len(set(told))
    return len(of_run)


_APPEND = """
import sys
sys.path.insert(0, {root!r})
from tests.ledger_support import batch_of
from lichen.ledger import open_ledger

ledger = open_ledger({where!r})
for number in map(int, sys.argv[1:]):
    print(ledger.append_runs(batch_of(number)).runs, flush=True)
"""


def writer(where: str, *batches: int, before: Callable[[], None] | None = None) -> subprocess.Popen[str]:
    """A process that appends batches, and prints after each how many of its runs were new.

    Args:
        before: called in the process before its program starts.
    """
    program = _APPEND.format(root=str(Path(__file__).resolve().parents[1]), where=where)
    command = [sys.executable, "-c", program, *map(str, batches)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=before)


def ids(ledger: Ledger, selection: Selection | None = None) -> list[str]:
    """Ids of the runs, sorted; each as often as it is there."""
    table = ledger.runs(columns=["run_id"]) if selection is None else ledger.runs(selection, ["run_id"])
    return sorted(table["run_id"].to_pylist())


def opened(folder: Path, runs: Sequence[RunContent] = ()) -> Ledger:
    """A new ledger that holds these runs."""
    ledger = open_ledger(str(folder))
    if runs:
        ledger.append_runs(runs)
    return ledger


def copy_to(where: str, folder: Path) -> None:
    """A copy of a ledger as it stands, file by file in the order of `snapshot`."""
    for name, content in snapshot(parse(where)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
