# SPDX-License-Identifier: Apache-2.0
"""Runs taken in: open loop at 500 a second over 32 connections; or what is left after many `kill -9` under that load.

    .venv/bin/python benchmarks/ingest.py [--rate 500] [--seconds 20] [--store postgresql://...] [--kills 200]

The generator, a process of its own, shares the machine with the server. A run is sent when its time has come, whether or not
earlier ones were answered, and its latency counts from that time: a server that stalls is not let off (no coordinated omission).
Every run is another one, of 10 samples. What a run costs the server's processor is told too: it depends less on what else the
machine does. With `--kills N` the server is killed N times under load instead: every run that it acknowledged has to be there,
once.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import sys
import tempfile
from collections import Counter
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.web.load_support import Load, Outcome, Server, body, journal, killed, percentile, send

LIMIT_P99_MS = 250.0


def speed(server: Server, token: str, options: argparse.Namespace) -> bool:
    """Whether the target is met by small runs; whole ones are shown beside them."""
    server.start()
    met = True
    try:
        asyncio.run(send(server.address, token, Load(range(-200, 0), 100)))  # imports, first connections
        for whole in (False, True):
            begin = 10**8 * whole
            numbers = range(begin, begin + int(options.rate * options.seconds))
            load = Load(numbers, options.rate, options.connections, whole)
            before_s = processor_s(server.pid)
            outcome = asyncio.run(send(server.address, token, load))
            fine = told(outcome, load, options.seconds, processor_s(server.pid) - before_s)
            met = met and (fine or whole)
    finally:
        server.stop()
    return met


def processor_s(pid: int) -> float:
    """Seconds that a process has kept a processor busy; those of the landing, a process of its own, are not in it."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def told(outcome: Outcome, load: Load, seconds: float, busy_s: float) -> bool:
    """Prints what became of a load; whether it stayed within the limit."""
    one = body(0, whole=load.whole)
    packed = gzip.compress(one, 6)
    late_ms = [1000 * late for late in outcome.late_s]
    p50, p99 = percentile(late_ms, 0.5), percentile(late_ms, 0.99)
    print(
        f"{load.rate:g} runs/s of {len(one) / 1000:.1f} kB ({len(packed) / 1000:.1f} kB gzipped) for {seconds:g} s "
        f"over {load.connections}: p50 {p50:.1f} ms, p99 {p99:.1f} ms (limit {LIMIT_P99_MS:g}), max {max(late_ms):.0f} ms, "
        f"{outcome.errors} errors; {1000 * busy_s / len(late_ms):.2f} ms of the server's processor a run",
        flush=True,
    )
    return p99 <= LIMIT_P99_MS and not outcome.errors


def kills(server: Server, token: str, count: int) -> bool:
    """Whether every acknowledged run survived, once."""
    acknowledged = asyncio.run(killed(server, token, count))
    kept = Counter(journal(server.folder, server.store))
    lost, doubled = acknowledged - kept.keys(), [run_id for run_id, times in kept.items() if times > 1]
    print(f"{count} kills: {len(acknowledged)} runs acknowledged, {len(lost)} lost, {len(doubled)} doubled")
    return bool(acknowledged) and not lost and not doubled


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
