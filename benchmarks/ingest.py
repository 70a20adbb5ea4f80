# SPDX-License-Identifier: Apache-2.0
"""Runs taken in: open loop at 500 a second over 32 connections; or what is left after many `kill -9` under that load.

    .venv/bin/python benchmarks/ingest.py [--rate 500] [--seconds 20] [--store postgresql://...] [--kills 200]

The generator shares the machine with the server. A run is sent when its time has come, whether or not earlier ones were answered,
and its latency counts from that time: a server that stalls is not let off (no coordinated omission). Every run is another one, of
10 samples and 53 activities, 22 KB of JSON. With `--kills N` the server is killed N times under load instead: every run that it
acknowledged has to be there, once.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.web.load_support import Server, body, journal, load, percentile

LIMIT_P99_MS = 250.0


def speed(server: Server, token: str, options: argparse.Namespace) -> bool:
    """Whether the target is met."""
    server.start()
    try:
        asyncio.run(load(server.address, token, numbers=range(-200, 0), rate=100))  # imports, first connections
        count = int(options.rate * options.seconds)
        outcome = asyncio.run(
            load(server.address, token, numbers=range(count), rate=options.rate, connections=options.connections)
        )
    finally:
        server.stop()
    late_ms = [1000 * late for late in outcome.late_s]
    kept = Counter(journal(server.folder, server.store))
    lost = outcome.acknowledged - kept.keys()
    p50, p99 = percentile(late_ms, 0.5), percentile(late_ms, 0.99)
    print(
        f"{options.rate:g} runs/s of {len(body(0)) / 1000:.0f} kB for {options.seconds:g} s over {options.connections} connections: "
        f"p50 {p50:.1f} ms, p99 {p99:.1f} ms (limit {LIMIT_P99_MS:g}), max {max(late_ms):.0f} ms, {outcome.errors} errors, "
        f"{len(lost)} lost"
    )
    return p99 <= LIMIT_P99_MS and not outcome.errors and not lost


def kills(server: Server, token: str, count: int) -> bool:
    """Whether every acknowledged run survived, once."""
    acknowledged: set[str] = set()
    again: list[int] = []
    for turn in range(count):
        server.start()
        numbers = [*again, *range(turn * 1000, turn * 1000 + 1000)]
        outcome = asyncio.run(_killed(server, token, numbers))
        acknowledged |= outcome.acknowledged
        again = outcome.unanswered
    kept = Counter(journal(server.folder, server.store))
    lost, doubled = acknowledged - kept.keys(), [run_id for run_id, times in kept.items() if times > 1]
    print(f"{count} kills: {len(acknowledged)} runs acknowledged, {len(lost)} lost, {len(doubled)} doubled")
    return not lost and not doubled and bool(acknowledged)


async def _killed(server: Server, token: str, numbers: list[int]):  # noqa: ANN202
    started = asyncio.Event()
    loading = asyncio.create_task(load(server.address, token, numbers=numbers, rate=500, started=started))
    await started.wait()
    await asyncio.sleep(random.uniform(0, 0.5))
    server.kill()
    return await loading


def main() -> int:
    """Prints the figures; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=float, default=500.0, help="runs a second")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--store", help="address of a PostgreSQL; SQLite without it")
    parser.add_argument("--kills", type=int, default=0, help="kill the server so many times instead")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lichen-ingest-") as folder:
        server = Server(Path(folder), options.store)
        token = server.token()
        done = kills(server, token, options.kills) if options.kills else speed(server, token, options)
    return 0 if done else 1


if __name__ == "__main__":
    raise SystemExit(main())
