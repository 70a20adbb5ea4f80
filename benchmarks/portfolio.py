# SPDX-License-Identifier: Apache-2.0
"""Portfolio totals out of two million activities: 200 applications, at least 40 factors, 2,000 draws each.

Columns stand for what a ledger gives: words are coded (each word once, and a number for each row). The same with plain columns of
words stands beside it. Limits: 2 s and 1 GB for the whole process, the loading of factors and of Lichen included.

Run: ``python benchmarks/portfolio.py [ROWS]``
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROWS = 2_000_000
APPLICATIONS = 200
PARTS = ("browser", "api", "db")
QUANTITIES = ("cpu_time", "memory_byte_seconds", "disk_bytes", "network_bytes", "screen_time")
OF_SERVERS = 3
LIMIT_S, LIMIT_MB = 2.0, 1000.0


@dataclass
class Coded:
    """A column as Arrow's dictionary arrays hold it."""

    indices: np.ndarray
    words: Sequence[str]
    null_count: int = 0

    @property
    def dictionary(self) -> Coded:
        """The distinct words."""
        return self

    def to_pylist(self) -> list[str]:
        """As a list."""
        return list(self.words)

    def __len__(self) -> int:
        return len(self.indices)


def table(rows: int, coded: bool) -> dict[str, Any]:
    """Random activities of browsers and servers in four countries."""

    def column(codes: np.ndarray, words: Sequence[str]) -> Any:
        return Coded(codes, words) if coded else [words[code] for code in codes]

    random = np.random.default_rng(7)
    application, part, zone = (random.integers(0, count, rows) for count in (APPLICATIONS, len(PARTS), 4))
    quantity = random.integers(0, np.where(part == 0, len(QUANTITIES), OF_SERVERS))
    return {
        "entity": column(application * len(PARTS) + part, [f"app-{a}/{p}" for a in range(APPLICATIONS) for p in PARTS]),
        "quantity": column(quantity, QUANTITIES),
        "value": random.lognormal(0, 1, rows),
        "tier": column((part > 0).astype(int), ("device", "server")),
        "zone": column(zone, ("FR", "DE", "US", "SE")),
    }


def inner(rows: int, kind: str) -> None:
    """One measured process: prints seconds, memory and what was computed."""
    columns = table(rows, kind == "coded")
    start = time.perf_counter()
    import lichen

    figures = lichen.evaluate(columns)
    by_application, whole = figures.totals(by="application"), figures.totals(by="all")
    seconds = time.perf_counter() - start
    batches = figures.evaluation.batches
    peak_kb = next(
        int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")
    )
    factors = {factor.key for batch in batches for factor in batch.factors}
    found = {
        "s": seconds,
        "mb": peak_kb / 1000,
        "factors": len(factors),
        "totals": len(by_application["value"]) + len(whole["value"]),
        "figures": sum(len(batch) * len(batch.work.chains) for batch in batches),
    }
    print(json.dumps(found))


def main() -> int:
    """Prints both ways; the first is held against the limits."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    within = False
    for kind in ("coded", "plain"):
        done = subprocess.run(
            [sys.executable, __file__, str(rows), kind], check=True, stdout=subprocess.PIPE, text=True
        )
        found = json.loads(done.stdout)
        said = ""
        if kind == "coded":
            within = found["s"] <= LIMIT_S and found["mb"] <= LIMIT_MB
            said = f" (limits {LIMIT_S:g} s, {LIMIT_MB:g} MB: {'within' if within else 'BEYOND'})"
        print(
            f"{kind} words: {rows:,} activities, {found['factors']} factors, {found['figures']:,} figures, "
            f"{found['totals']} totals: {found['s']:.2f} s, {found['mb']:.0f} MB{said}"
        )
    return 0 if within else 1


if __name__ == "__main__":
    if len(sys.argv) > 2:
        inner(int(sys.argv[1]), sys.argv[2])
    else:
        raise SystemExit(main())
