# SPDX-License-Identifier: Apache-2.0
"""Time and memory of `lichen evaluate`: of one recorded journey, of many rows, and of many machines.

Limits: 0.5 s for a journey's run file, the whole command, best of five; 250 MB for 4,000 rows of 1,000 entities, 22,000 impacts
with a range each; 1.5 ms for each of 5,000 instances of any type in any region, hardly two of which are alike (21,000 impacts
and 88 MB of JSON by boavizta-2.5).

Run: ``python benchmarks/evaluate.py [ROWS]``
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lichen.catalogue import machines, regions

QUANTITIES = ("cpu_time", "memory_byte_seconds", "disk_bytes", "network_bytes")
LIMIT_MB = 250.0
LIMIT_S = 0.5
LIMIT_MACHINE_MS = 1.5
MACHINES = 5000
BY_MACHINE = ("ccf-2024", "boavizta-2.5")
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


def machine_ms(method: str, folder: Path) -> float:
    """Milliseconds for each of many instances, the whole command: types and regions drawn at random with a fixed seed."""
    drawn = random.Random(1)
    places = {
        name: [key for key in regions.regions() if key.startswith(f"{name}:")] for name in ("aws", "azure", "gcp")
    }
    known = machines.keys()
    types = [key for key in known if key.partition(":")[0] in places]
    asked = []
    for number in range(MACHINES):
        platform = drawn.choice(types)
        asked.append(
            {"entity": f"portal/server-{number}", "quantity": drawn.choice(("vcpu_time", "instance_time")), "value": 3600.0,
             "tier": "server", "platform": platform, "region": drawn.choice(places[platform.partition(":")[0]])}
        )  # fmt: skip
    source = folder / "machines.json"
    source.write_text(json.dumps({"activities": asked}))
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "lichen", "evaluate", method, str(source)], stdout=subprocess.DEVNULL, check=True
    )
    return (time.perf_counter() - start) * 1000 / MACHINES


def main() -> int:
    """Prints all rows."""
    one_s = journey_s()
    print(f"a journey: {one_s:.2f} s of {LIMIT_S} s: {'within' if one_s <= LIMIT_S else 'BEYOND'} the limit")
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
    with tempfile.TemporaryDirectory() as folder:
        for count in (1, rows):
            seconds, memory_mb, impacts = evaluated(count, Path(folder))
            print(f"{count:6d} rows: {impacts:6d} impacts, {seconds:6.2f} s, {memory_mb:6.0f} MB")
        each_ms = {method: machine_ms(method, Path(folder)) for method in BY_MACHINE}
    print(
        f"memory: {memory_mb:.0f} MB of {LIMIT_MB:.0f} MB: {'within' if memory_mb <= LIMIT_MB else 'BEYOND'} the limit"
    )
    for method, each in each_ms.items():
        held = "within" if each <= LIMIT_MACHINE_MS else "BEYOND"
        print(f"{MACHINES} machines by {method}: {each:.2f} ms each of {LIMIT_MACHINE_MS:g} ms: {held} the limit")
    kept = max(each_ms.values()) <= LIMIT_MACHINE_MS
    return 0 if memory_mb <= LIMIT_MB and one_s <= LIMIT_S and kept else 1


if __name__ == "__main__":
    raise SystemExit(main())
