# SPDX-License-Identifier: Apache-2.0
"""What is measured in one condition: each way of measuring in turn, and a known difference in two orders."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import NEIGHBOURS, Bench, Machine, bench

from lichen.collect.machine import describe_host

WORKS = ("loop", "sql", "page")
ROUNDS = {"loop": 40, "sql": 40, "page": 30}
"""Rounds of each work; each way of measuring is used once a round, so that drift hits all alike."""
SIZE = {"loop": 40, "sql": 60, "page": 1}
"""Pieces of work in one run: some 0.2 s of CPU time, or one page."""
PAIRS = 20
"""How often the known difference is measured in each order."""
SIDE = 8
"""Runs a side."""
PIECES = {"A": 20, "B": 21}
"""Pieces of work of the two sides."""
DIFFERENCE = PIECES["B"] / PIECES["A"] - 1


def round_of(up: Bench, work: str) -> dict[str, float]:
    """One round: a plain run between two blocks, a run beside calibrators, and, for the loop, one mixed with calibration."""
    run: Callable[[int], float] = getattr(up, work)
    size = SIZE[work]
    before = up.block()
    found = {"raw_s": run(size)}
    found["around_s"] = (before + up.block()) / 2
    free = os.sched_getaffinity(0)
    up.pin(work, {max(free)})
    with up.calibrated(work) as calibration:
        began_ns = time.monotonic_ns()
        found["beside_raw_s"] = run(size)
        found["beside_wall_s"] = (time.monotonic_ns() - began_ns) / 1e9
    up.pin(work, free)
    found |= {"beside_loop_s": calibration["loop_s"], "beside_cost_s": calibration["cost_s"]}
    if work == "loop":
        found["mixed_raw_s"], found["mixed_loop_s"] = up.mixed(size)
    return found


def orders() -> dict[str, str]:
    """The two orders in which 2 x `SIDE` runs are taken."""
    return {"blocks": "A" * SIDE + "B" * SIDE, "interleaved": "ABBA" * (SIDE // 2)}


def pair_of(up: Bench, work: str) -> dict[str, list[float]]:
    """CPU seconds of the two sides, once in each order; keys are order and side."""
    run: Callable[[int], float] = getattr(up, work)
    found: dict[str, list[float]] = {f"{order} {side}": [] for order in orders() for side in "AB"}
    for order, sides in orders().items():
        for side in sides:
            found[f"{order} {side}"].append(run(PIECES[side]))
    return found


def host() -> dict[str, Any]:
    """What the page says about the machine."""
    about = describe_host()
    return {key: about[key] for key in ("cpu_model", "cpu_count", "kernel", "hypervisor")}


def measure(condition: str, work: str, folder: Path, *, scale: float = 1.0) -> dict[str, Any]:
    """One cell.

    Args:
        condition: a key of `NEIGHBOURS`.
        work: one of `WORKS`.
        folder: for the journey's file.
        scale: of the number of rounds and pairs; below 1 for a trial.

    Returns:
        The record that stands in the results file.
    """
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    with bench(condition, folder) as up:
        getattr(up, work)(SIZE[work])
        machine = Machine()
        rounds = [round_of(up, work) for _ in range(max(2, round(ROUNDS[work] * scale)))]
        pairs = [] if work == "page" else [pair_of(up, work) for _ in range(max(2, round(PAIRS * scale)))]
        spent = machine.close()
    return {
        "condition": condition, "neighbours": NEIGHBOURS[condition], "work": work, "started_at": started_at, "host": host(),
        "machine": spent, "rounds": rounds, "pairs": pairs,
    }  # fmt: skip
