# SPDX-License-Identifier: Apache-2.0
"""A process of its own that does fixed work when told to: the loop under test, or the calibrator beside it.

``fixed_work.py work`` answers each line ``work N``, ``mixed N``, ``block N`` with CPU seconds; ``fixed_work.py calibrator``
loops every 20 ms from ``go`` to ``stop`` and answers with the CPU seconds of each loop and of itself. Answers are JSON lines.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time

PACE_S = 0.02
"""Pause of the calibrator between two loops."""
LOOP_STEPS = 12_000
CHUNK_STEPS = 60_000


def loop(steps: int) -> int:
    """Integer arithmetic in registers, as small as a calibration can be."""
    value = 1
    for _ in range(steps):
        value = (value * 1_103_515_245 + 12_345) & 0x7FFF_FFFF
    return value


def chunk() -> int:
    """One piece of the work under test, some 6 ms: arithmetic, and a dictionary that grows and is thrown away."""
    seen: dict[int, int] = {}
    value = 1
    for step in range(CHUNK_STEPS):
        value = (value * 1_103_515_245 + 12_345) & 0x7FFF_FFFF
        seen[value & 4095] = step
    return len(seen)


def timed_loops(count: int) -> list[float]:
    """CPU seconds of each of ``count`` calibration loops."""
    spent = []
    for _ in range(count):
        before = time.thread_time_ns()
        loop(LOOP_STEPS)
        spent.append((time.thread_time_ns() - before) / 1e9)
    return spent


def mixed(chunks: int) -> tuple[float, list[float]]:
    """CPU seconds of ``chunks`` pieces, and of the calibration loops between them (two after each piece)."""
    work_ns, loops = 0, timed_loops(2)
    for _ in range(chunks):
        before = time.thread_time_ns()
        chunk()
        work_ns += time.thread_time_ns() - before
        loops += timed_loops(2)
    return work_ns / 1e9, loops


def work(chunks: int) -> float:
    """CPU seconds of ``chunks`` pieces."""
    before = time.thread_time_ns()
    for _ in range(chunks):
        chunk()
    return (time.thread_time_ns() - before) / 1e9


def answer(content: object) -> None:
    """One line."""
    print(json.dumps(content), flush=True)


def serve_work() -> None:
    """Works until its standard input ends."""
    for line in sys.stdin:
        order, _, number = line.partition(" ")
        if order == "work":
            answer(work(int(number)))
        elif order == "mixed":
            answer(mixed(int(number)))
        elif order == "block":
            answer(timed_loops(int(number)))


def serve_calibration() -> None:
    """Calibrates between ``go`` and ``stop``. Standard input is read unbuffered: it is also what the pause waits for."""
    pending = b""
    while order := os.read(0, 64):
        pending += order
        if not pending.endswith(b"go\n"):
            continue
        pending, spent, began_ns = b"", [], time.process_time_ns()
        next_at = time.monotonic()
        while True:
            spent += timed_loops(1)
            next_at = max(next_at + PACE_S, time.monotonic())
            if select.select([0], [], [], max(0.0, next_at - time.monotonic()))[0]:
                os.read(0, 64)
                break
        answer((spent, (time.process_time_ns() - began_ns) / 1e9))


if __name__ == "__main__":
    {"work": serve_work, "calibrator": serve_calibration}[sys.argv[1]]()
