# SPDX-License-Identifier: Apache-2.0
"""Time and memory of `lichen evaluate lichen-1`: of one recorded journey, and of many rows.

Limits: 0.5 s for a journey's run file, the whole command, best of five; 250 MB for 4,000 rows of 1,000 entities, 22,000 impacts
with a range each.

Run: ``python benchmarks/evaluate.py [ROWS]``
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

QUANTITIES = ("cpu_time", "memory_byte_seconds", "disk_bytes", "network_bytes")
LIMIT_MB = 250.0
LIMIT_S = 0.5
JOURNEY = Path(__file__).parents[1] / "tests" / "golden" / "run" / "lichen-run-1.json"


def evaluated(rows: int, folder: Path) -> tuple[float, float, int]:
    """Seconds, highest memory [MB] and number of impacts of one evaluation."""
    asked = [
        {"entity": f"portal/server-{i // len(QUANTITIES)}", "quantity": QUANTITIES[i % len(QUANTITIES)], "value": 1.0 + i,
         "tier": "server", "zone": "FR"}
        for i in range(rows)
    ]  # fmt: skip
    source, result = folder / "in.json", folder / "out.json"
    source.write_text(json.dumps({"activities": asked, "context": {"parts": 1}}))
    start = time.perf_counter()
    with result.open("w") as out:
        subprocess.run([sys.executable, "-m", "lichen", "evaluate", "lichen-1", str(source)], stdout=out, check=True)
    seconds = time.perf_counter() - start
    memory_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
    return seconds, memory_mb, len(json.loads(result.read_text())["impacts"])


def journey_s() -> float:
    """Seconds that one evaluation of a run file takes, the best of five: what else runs on the machine is not its own."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        command = [sys.executable, "-m", "lichen", "evaluate", "lichen-1", str(JOURNEY)]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> int:
    """Prints all rows."""
    one_s = journey_s()
    print(f"a journey: {one_s:.2f} s of {LIMIT_S} s: {'within' if one_s <= LIMIT_S else 'BEYOND'} the limit")
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
    with tempfile.TemporaryDirectory() as folder:
        for count in (1, rows):
            seconds, memory_mb, impacts = evaluated(count, Path(folder))
            print(f"{count:6d} rows: {impacts:6d} impacts, {seconds:6.2f} s, {memory_mb:6.0f} MB")
    print(
        f"memory: {memory_mb:.0f} MB of {LIMIT_MB:.0f} MB: {'within' if memory_mb <= LIMIT_MB else 'BEYOND'} the limit"
    )
    return 0 if memory_mb <= LIMIT_MB and one_s <= LIMIT_S else 1


if __name__ == "__main__":
    raise SystemExit(main())
