# SPDX-License-Identifier: Apache-2.0
"""What a workload asks for, from the machines that carry it: where nobody counted requests, hardware and its load are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from lichen.errors import UsageError
from lichen.portfolio.scenarios import HOURS, LEVELS, SECONDS_PER_HOUR, Demand, Level, Spread
from lichen.service.power_hardware import Question, resolve
from lichen.service.simulate.owning import USUAL_LOAD, unknown_machine
from lichen.service.simulate.scenario import Own, OwnMachines

PEAK: Final = 2.5
"""Peak over mean load of machines, where nobody knows the peak. Assumed, and told."""
MEMORY_USED: Final = Spread(0.25, 0.5, 0.9)
"""Share of the memory of machines that is in use. Assumed, and told."""


def machine_demand(own: Own, declared: Mapping[Level, Demand]) -> dict[Level, Demand]:
    """What was declared, with the CPU time and the memory of the machines where no request was.

    Raises:
        UsageError: nothing tells the hardware threads of a machine.
    """
    threads = sum(_threads(machine) * machine.count for machine in own.machines)
    memory_gib = sum((machine.memory_gb or 0.0) * machine.count for machine in own.machines)
    load = own.load or USUAL_LOAD
    return {
        level: replace(
            declared[level],
            cpu_s=threads * load.at(level) * HOURS * SECONDS_PER_HOUR,
            peak_cpus=threads * min(1.0, load.at(level) * PEAK),
            memory_gib=declared[level].memory_gib or memory_gib * MEMORY_USED.at(level),
        )
        for level in LEVELS
    }


def needs_machines(own: Own | None, demand: Demand) -> bool:
    """Whether machines have to tell the workload: nobody declared requests or queries."""
    return own is not None and not demand.cpu_s and demand.queries is None


def _threads(machine: OwnMachines) -> float:
    if machine.cpu is None:
        raise UsageError(
            f"Nothing tells how much the machine '{machine.model}' computes.",
            repair="Name its cpu, or give requests_per_minute of the workload.", culprit=machine.model,
        )  # fmt: skip
    try:
        found = resolve(Question(cpu=machine.cpu, memory_gb=machine.memory_gb), strict=True).used.threads
    except UsageError as error:
        raise unknown_machine(machine, error) from error
    if found is None:
        raise UsageError(
            f"The threads of '{machine.cpu}' are not known.", repair="Give requests_per_minute of the workload.",
            culprit=machine.model,
        )  # fmt: skip
    return float(found)
