# SPDX-License-Identifier: Apache-2.0
"""How often `lichen compare` fails what did not change, on real runs of the loan portal, and how long a verdict takes.

``gate.py``: what the recorded runs say when they are compared with themselves, and with themselves made heavier.
``gate.py record [--runs 200]``: adds runs of the journey `simulate` to ``benchmarks/data/portal-runs.csv`` until there are so
many; may be stopped and taken up again. About five seconds a run.
``gate.py time``: compares the portal with its heavy variants, live, and says how long each verdict took.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

import lichen.demo
from lichen.config import load_settings
from lichen.ledger import runfile
from lichen.records import timestamp
from lichen.service.comparing import Options, compare
from lichen.service.comparing.effects import journey_series
from lichen.service.measure import measure
from lichen.service.workspace import Workspace
from lichen.stats.paired import LOOKS, LogEffect, order, trimmed_means

DATA = Path(__file__).resolve().parent / "data" / "portal-runs.csv"
DEMO = Path(lichen.demo.__file__).parent
JOURNEY = "simulate"
COLUMNS = ("batch", "recorded_at", "energy", "cpu_time", "network_bytes", "requests", "layouts")
BATCH = 10
COMPARISONS = 4_000
BLOCK = 10
"""Runs that stay together when recorded runs are drawn again: a slow drift of the machine stays in them."""
DELTA = 0.05
FALSE_FAILS = 0.025
VERDICT_S = 180.0
JOURNEYS = {"images": "simulate", "polling": "simulate", "nplus1": "follow up"}
"""The journey that meets each regression."""


def record(wanted: int) -> None:
    """Adds runs, a batch at a time; each batch is kept as soon as it is done."""
    DATA.parent.mkdir(exist_ok=True)
    rows = load()
    while len(rows) < wanted:
        with tempfile.TemporaryDirectory() as folder:
            count = min(BATCH, wanted - len(rows))
            overrides = {"measure.samples": str(count), "output.runs": folder, "measure.profile": "fast"}
            workspace = Workspace(load_settings(DEMO / "lichen.toml", overrides=overrides))
            result = measure(workspace, [JOURNEY])
            series = journey_series(workspace, runfile.read(Path(result.run_path)).content, JOURNEY).whole
        batch = int(rows[-1]["batch"]) + 1 if rows else 1
        columns = [series[name].values for name in COLUMNS[2:]]
        rows += [
            dict(zip(COLUMNS, (batch, timestamp()[:16], *values), strict=True)) for values in zip(*columns, strict=True)
        ]
        with DATA.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        print(f"{len(rows)} of {wanted} runs", flush=True)


def load() -> list[dict[str, object]]:
    """The recorded runs in the order in which they were taken."""
    if not DATA.exists():
        return []
    with DATA.open(newline="", encoding="utf-8") as file:
        return [dict(row) for row in csv.DictReader(file)]


def resampled(values: np.ndarray, change: float, rng: np.random.Generator) -> tuple[float, float, float]:
    """Shares that fail and pass, and mean pairs, of comparisons drawn from recorded runs in circular blocks.

    Args:
        values: of one quantity, in the order of recording.
        change: that every run of the head is made heavier by.
    """
    pairs = LOOKS[-1]
    starts = rng.integers(0, len(values), (COMPARISONS, -(-2 * pairs // BLOCK)))
    places = (starts[:, :, np.newaxis] + np.arange(BLOCK)).reshape(COMPARISONS, -1)[:, : 2 * pairs] % len(values)
    runs = np.log(values[places]).reshape(COMPARISONS, pairs, 2)
    flipped = np.array([order(pair) == (1, 0) for pair in range(pairs)])
    base = np.where(flipped, runs[:, :, 1], runs[:, :, 0])
    head = np.where(flipped, runs[:, :, 0], runs[:, :, 1]) + np.log1p(change)
    outcomes = np.full(COMPARISONS, "undecided", dtype="<U9")
    used = np.full(COMPARISONS, pairs)
    for look in LOOKS:
        going = np.flatnonzero(outcomes == "undecided")
        means, errors, freedom = trimmed_means((head - base)[going, :look])
        for at, mean, error in zip(going, means, errors, strict=True):
            outcomes[at] = LogEffect(mean=float(mean), error=float(error), freedom=freedom, pairs=look).decide(DELTA)
            used[at] = look
    return float((outcomes == "fail").mean()), float((outcomes == "pass").mean()), float(used.mean())


def say() -> int:
    """Prints what the recorded runs say; 1 when nothing changed and too many fail."""
    rows = load()
    if len(rows) < 2 * LOOKS[0]:
        print(f"{len(rows)} runs are recorded; gate.py record takes more")
        return 0
    failed = 0
    for name in ("cpu_time", "energy"):
        values = np.array([float(str(row[name])) for row in rows])
        cv = values.std(ddof=1) / values.mean()
        print(f"{name}: {len(values)} runs, CV {cv:.1%}")
        for change in (0.0, 0.10, 0.15):
            fails, passes, pairs = resampled(values, change, np.random.default_rng(22))
            print(f"  {change:+.0%}: fails {fails:.2%}, passes {passes:.1%}, {pairs:.1f} pairs")
            failed |= change == 0 and fails > FALSE_FAILS
    for name in ("network_bytes", "requests", "layouts"):
        known = [row[name] for row in rows if row[name]]
        print(f"{name}: {len(set(known))} different values, known in {len(known)} runs")
    return int(failed)


def _repository(folder: Path, variant: str) -> None:
    """A Git repository with the portal on ``main`` and a heavy one on ``heavy``."""

    def git(*words: str) -> None:
        who = ("-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)

    plain = (DEMO / "lichen.toml").read_text(encoding="utf-8").replace("reset =", "ready_timeout_s = 90\nreset =")
    shutil.copytree(DEMO / "journeys", folder / "journeys")
    git("init", "--initial-branch=main")
    (folder / "lichen.toml").write_text(plain, encoding="utf-8")
    git("add", ".")
    git("commit", "--message", "portal")
    git("switch", "--create", "heavy")
    heavy = plain.replace('"--allow-reset"]', f'"--allow-reset", "--heavy={variant}"]')
    (folder / "lichen.toml").write_text(heavy, encoding="utf-8")
    git("commit", "--all", "--message", variant)


def take_time() -> int:
    """Prints how long verdicts on heavier portals took; 1 when one took longer than three minutes or was none."""
    failed = 0
    for variant in ("images", "polling", "nplus1"):
        with tempfile.TemporaryDirectory() as folder:
            _repository(Path(folder), variant)
            overrides = {"measure.profile": "fast", "output.runs": folder + "/runs"}
            workspace = Workspace(load_settings(Path(folder) / "lichen.toml", overrides=overrides))
            began = time.monotonic()
            verdict = compare(workspace, "git:main", "git:heavy", Options(journeys=(JOURNEYS[variant],)))
            lasted_s = time.monotonic() - began
        (journey,) = verdict.journeys
        cause = journey.causes[0].text if journey.causes else "no cause"
        print(f"{variant}: {journey.outcome} in {lasted_s:.0f} s, {cause}", flush=True)
        failed |= lasted_s > VERDICT_S
    return int(failed)


def main() -> int:
    """0, or 1 when a bound is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", nargs="?", choices=("say", "record", "time"), default="say")
    parser.add_argument("--runs", type=int, default=200)
    asked = parser.parse_args()
    if asked.action == "record":
        record(asked.runs)
        return 0
    return take_time() if asked.action == "time" else say()


if __name__ == "__main__":
    raise SystemExit(main())
