# SPDX-License-Identifier: Apache-2.0
"""Containers of known loads: how far shares, bytes and CPU time are off, and what one look costs beside the engine's own API.

Needs root, Docker (`make containers`) and starts an engine of its own. Usage: ``python benchmarks/containers.py``.
"""

from __future__ import annotations

import socket
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pytest
from tests.e2e.containers_support import BURN, EngineUnderTest, docker_engine

from lichen.collect.machine import MachineMeter
from lichen.collect.machine.containers.address import parse_address
from lichen.collect.machine.containers.choice import Choice
from lichen.collect.machine.containers.counter import ContainerCounter
from lichen.collect.machine.containers.engine import Engine

WINDOW_S = 10.0
LOADS = {"small": "0.3", "large": "0.7"}
SIZES = {"ten": 10_000_000, "fifty": 50_000_000}
WRITTEN = 64 * 2**20
LOOKS = 200
API_LOOKS = 10
DRAIN = """
    import socket
    listener = socket.create_server(("", 8000))
    while True:
        peer, _ = listener.accept()
        while peer.recv(1 << 20):
            pass
        peer.close()
"""
WRITE = """
    import os, time
    while not os.path.exists("/tmp/go"):
        time.sleep(0.02)
    with open("/tmp/file", "wb") as file:
        for _ in range(64):
            file.write(os.urandom(1 << 20))
        os.fsync(file.fileno())
    open("/tmp/done", "w").close()
    time.sleep(600)
"""


def send(address: str, size: int) -> None:
    """Sends ``size`` bytes and waits until they were read."""
    with socket.create_connection((address, 8000), timeout=10) as peer:
        peer.sendall(b"x" * size)
        peer.shutdown(socket.SHUT_WR)
        peer.recv(1)


def counter(engine: EngineUnderTest, name: str) -> ContainerCounter:
    """Counter of one container."""
    return ContainerCounter(Choice(kind="container", text=name), engine=engine.address)


def figures(engine: EngineUnderTest) -> None:
    """Prints how far the figures of one window are off."""
    for name, share in LOADS.items():
        engine.run(name, BURN, share)
    for name in SIZES:
        engine.run(name, DRAIN)
    engine.run("writer", WRITE)
    time.sleep(1)
    parts = {name: counter(engine, name) for name in (*LOADS, *SIZES, "writer")}
    # The oracle, the clocks of the same processes, has a meter of its own: one meter refuses parts that overlap.
    with MachineMeter() as meter, MachineMeter() as oracle:
        for name, part in parts.items():
            meter.add(name, part)
        for name in LOADS:
            oracle.add(name, engine.main_pid(name))
        edges, truth = [meter.edge()], [oracle.edge()]
        began = time.monotonic()
        for name, size in SIZES.items():
            send(engine.ip(name), size)
        engine.call("exec", "writer", "/bin/touch", "/tmp/go")
        time.sleep(max(0.0, WINDOW_S - (time.monotonic() - began)))
        edges.append(meter.edge())
        truth.append(oracle.edge())
        first, last = meter.settled(edges)
    spans = {name: last.readings[name].since(first.readings[name], peak_bytes=None) for name in parts}
    cpu = {name: spans[name].cpu_ns or 0 for name in spans}
    true_ns = {name: truth[1].cpu_ns(name) - truth[0].cpu_ns(name) for name in LOADS}
    for name in LOADS:
        error = cpu[name] / true_ns[name] - 1
        print(f"CPU {name}: {cpu[name] / 1e9:.3f} s, {error:+.2%} of its process's own clock")
    share, true = (
        cpu["small"] / (cpu["small"] + cpu["large"]),
        true_ns["small"] / (true_ns["small"] + true_ns["large"]),
    )
    print(f"share of small: {share:.4f}, {share / true - 1:+.2%} of the true one")
    for name, size in SIZES.items():
        received = spans[name].network_received_bytes or 0
        print(
            f"network {name}: {received:,} B for {size:,} B of payload, {received / size - 1:+.2%} (headers included)"
        )
    written = spans["writer"].disk_bytes
    print(
        "storage: unknown"
        if written is None
        else f"storage: {written:,} B, {written / WRITTEN - 1:+.2%} of what was written"
    )
    print(f"spread of the last edge, {len(parts)} parts: {last.spread_ns / 1e6:.2f} ms")


def cost(engine: EngineUnderTest) -> None:
    """Prints what one look takes, from control groups and through the engine."""
    part = counter(engine, "small")
    part.start()
    taken = []
    for _ in range(LOOKS):
        began = time.perf_counter()
        part.read()
        taken.append(time.perf_counter() - began)
    part.close()
    with Engine(parse_address(engine.address, "benchmark")) as client:
        asked = []
        for _ in range(API_LOOKS):
            began = time.perf_counter()
            client.stats("small")
            asked.append(time.perf_counter() - began)
    for title, times in (("control group", taken), ("engine's API", asked)):
        print(f"one look, {title}: median {statistics.median(times) * 1e3:.2f} ms, worst {max(times) * 1e3:.2f} ms")


def main() -> int:
    """0 also where no engine can be started, with the reason."""
    try:
        with docker_engine() as engine:
            figures(engine)
            cost(engine)
    except pytest.skip.Exception as reason:
        print(f"skipped: {reason}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
