# SPDX-License-Identifier: Apache-2.0
"""Formulas of Boavizta's model of servers, cloud instances and end-user devices: power, and the share of a machine's life.

Something holds parts of a host: processors, memory modules, drives, a share of the rest; fractions for a virtual machine. Every
function works on floats and on NumPy arrays alike.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from lichen.model.registry import Number, formula
from lichen.units import JOULE_PER_KWH, SECOND_PER_HOUR, Tag

_POWER = ("BoaviztAPI 2.5.0 (2026), documentation: consumption profiles of processors and memory, server usage",)
_ALLOCATION = ("BoaviztAPI 2.5.0 (2026), documentation: allocation of embedded impacts by duration",)


def significant(value: Number, figures_exponent: Number) -> Number:
    """A value above 0, rounded: a number of figures after the first is kept."""
    scale = np.power(10.0, figures_exponent - np.floor(np.log10(value)))
    result: Number = np.round(value * scale) / scale
    return result


def logarithmic(load: Number, a: Number, b: Number, c: Number, d: Number) -> Number:
    """``a ln(b (load + c)) + d``."""
    result: Number = a * np.log(b * (load + c)) + d
    return result


def larger(value: Number, floor: Number) -> Number:
    """The larger of two values; unknown when one is."""
    result: Number = np.maximum(value, floor)
    return result


def smaller(value: Number, ceiling: Number) -> Number:
    """The smaller of two values; unknown when one is."""
    result: Number = np.minimum(value, ceiling)
    return result


@formula("boavizta.processor_power", version=1, sources=_POWER)
def processor_power_w(
    processors: Annotated[Number, Tag("1")],
    utilisation: Annotated[Number, Tag("1")],
    curve_a_w: Annotated[Number, Tag("W", "it")],
    curve_b: Annotated[Number, Tag("1")],
    curve_c: Annotated[Number, Tag("1")],
    curve_d_w: Annotated[Number, Tag("W", "it")],
    least_power_w: Annotated[Number, Tag("W", "it")],
    figures_exponent: Annotated[Number, Tag("1")],
) -> Annotated[Number, Tag("W", "it")]:
    """Power of processors at a load: ``a ln(b (u + c)) + d`` each, at least 1 W, rounded to some figures.

    Args:
        processors: processors that are held [1]; a fraction for a virtual machine.
        utilisation: load of the processors [1], 0 to 1.
        curve_a_w: parameter a of the processor's power curve [W].
        curve_b: parameter b [1], > 0.
        curve_c: parameter c [1], > 0.
        curve_d_w: parameter d [W].
        least_power_w: power below which no processor goes [W], > 0.
        figures_exponent: figures that are kept after the first one of a processor's power [1].

    Returns:
        Power of the processors [W].

    >>> float(processor_power_w(0.5, 0.5, 10.0, 2.0, 0.0, 80.0, 1.0, 4.0))
    40.0
    """
    return (
        processors
        * least_power_w
        * significant(
            larger(logarithmic(utilisation, curve_a_w, curve_b, curve_c, curve_d_w), least_power_w) / least_power_w,
            figures_exponent,
        )
    )


@formula("boavizta.memory_power", version=1, sources=_POWER)
def memory_power_w(
    memory_gb: Annotated[Number, Tag("GB")],
    module_gb: Annotated[Number, Tag("GB")],
    utilisation: Annotated[Number, Tag("1")],
    module_power_w: Annotated[Number, Tag("W", "it")],
    power_w_per_gb: Annotated[Number, Tag("W/GB", "it")],
    idle_share: Annotated[Number, Tag("1")],
    least_power_w: Annotated[Number, Tag("W", "it")],
    figures_exponent: Annotated[Number, Tag("1")],
) -> Annotated[Number, Tag("W", "it")]:
    """Power of memory at a load: a fixed part and a part by capacity for each module, rounded to some figures.

    Args:
        memory_gb: memory that is held [GB].
        module_gb: capacity of one module [GB], > 0.
        utilisation: load of the memory [1], 0 to 1.
        module_power_w: power of a module of no capacity at full load [W].
        power_w_per_gb: power at full load for each gigabyte [W/GB].
        idle_share: share of the power at full load that is drawn at none [1], 0 to 1.
        least_power_w: unit in which the figures are counted [W].
        figures_exponent: figures that are kept after the first one of a module's power [1].

    Returns:
        Power of the memory [W].

    >>> float(memory_power_w(64.0, 32.0, 0.5, 3.0, 0.25, 0.5, 1.0, 4.0))
    16.5
    """
    return (
        memory_gb
        / module_gb
        * least_power_w
        * significant(
            (module_power_w + power_w_per_gb * module_gb)
            * (idle_share + (1 - idle_share) * utilisation)
            / least_power_w,
            figures_exponent,
        )
    )


@formula("boavizta.with_overhead", version=1, sources=_POWER)
def with_overhead_w(
    power_w: Annotated[Number, Tag("W", "it")], overhead_share: Annotated[Number, Tag("1")]
) -> Annotated[Number, Tag("W", "it")]:
    """Power with what mainboard, fans and power supplies draw beside it.

    Args:
        power_w: power of processors or memory [W].
        overhead_share: what the rest draws, as a share of that [1].

    Returns:
        Power at the wall [W].

    >>> with_overhead_w(100.0, 0.25)
    125.0
    """
    return power_w * (1 + overhead_share)


@formula("boavizta.drive_power", version=1, sources=_POWER)
def drive_power_w(
    drives: Annotated[Number, Tag("1")], drive_power_w: Annotated[Number, Tag("W", "it")]
) -> Annotated[Number, Tag("W", "it")]:
    """Power of drives, whatever their load.

    Args:
        drives: drives that are held [1]; a fraction for a virtual machine.
        drive_power_w: power of one drive [W].

    Returns:
        Power of the drives [W].

    >>> drive_power_w(0.5, 8.0)
    4.0
    """
    return drives * drive_power_w


@formula("boavizta.terminal_energy", version=1, sources=_POWER)
def terminal_energy_kwh(
    duration_s: Annotated[Number, Tag("s")],
    power_w: Annotated[Number, Tag("W", "device")],
    use_share: Annotated[Number, Tag("1")],
) -> Annotated[Number, Tag("kWh", "device")]:
    """Energy of an end-user device over a time of which it is used for a share.

    Args:
        duration_s: time for which somebody has the device [s].
        power_w: power while it is used [W].
        use_share: share of the time in which it is used [1], 0 to 1.

    Returns:
        Energy at the plug [kWh].

    >>> terminal_energy_kwh(36000.0, 50.0, 0.25)
    0.125
    """
    return duration_s * power_w * use_share / JOULE_PER_KWH


@formula("boavizta.life_share", version=1, sources=_ALLOCATION)
def life_share(
    duration_s: Annotated[Number, Tag("s")], lifetime_h: Annotated[Number, Tag("h")]
) -> Annotated[Number, Tag("1")]:
    """Share of a machine's life that a time takes, and all of it after its end.

    Args:
        duration_s: time for which the machine is held [s].
        lifetime_h: years of service, in hours [h], > 0.

    Returns:
        Share of the life [1], at most 1.

    >>> float(life_share(36000.0, 40.0)), float(life_share(36000.0, 5.0))
    (0.25, 1.0)
    """
    return smaller(duration_s / SECOND_PER_HOUR, lifetime_h) / lifetime_h


@formula("boavizta.of_life", version=1, sources=_ALLOCATION)
def of_life_x(
    embodied_x: Annotated[Number, Tag("X")], life_share: Annotated[Number, Tag("1")]
) -> Annotated[Number, Tag("X")]:
    """Part of an embodied impact that falls to a share of the life.

    Args:
        embodied_x: impact of making what is held [X].
        life_share: share of its life [1], 0 to 1.

    Returns:
        Impact [X].

    >>> of_life_x(200.0, 0.25)
    50.0
    """
    return embodied_x * life_share
