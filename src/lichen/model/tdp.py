# SPDX-License-Identifier: Apache-2.0
"""Power of processors as a share of their thermal design power, by utilisation: the Teads curve and the SDIA formula."""

from __future__ import annotations

from typing import Annotated, Final, cast

import numpy as np

from lichen.model.registry import Number, formula
from lichen.units import Tag

_TEADS: Final = ("Davy, B. (Teads Engineering) 2021, Building an AWS EC2 Carbon Emissions Dataset",)
_SDIA: Final = ("SDIA, Use phase: average power of a server from the thermal design power of its processors",)


def _curve(utilisation: Number, knots: Number, values: Number) -> Number:
    """Straight lines between measured points; what lies outside is taken as the nearest one, what is unknown stays so."""
    return cast("Number", np.interp(utilisation, np.atleast_1d(knots), np.atleast_1d(values)))


@formula("tdp.of_processors", version=1, sources=("Definition: thermal design power is stated for each processor",))
def of_processors_w(
    processors: Annotated[Number, Tag("1")], processor_tdp_w: Annotated[Number, Tag("W")]
) -> Annotated[Number, Tag("W")]:
    """Thermal design power of all processors of a machine, or of the part of them that an instance rents.

    Args:
        processors: number of processors, a fraction for an instance [1], > 0.
        processor_tdp_w: thermal design power of one [W], > 0.

    Returns:
        Thermal design power [W].

    >>> of_processors_w(0.25, 200.0)
    50.0
    """
    return processors * processor_tdp_w


@formula("tdp.by_curve", version=1, sources=_TEADS)
def by_curve_w(
    machine_tdp_w: Annotated[Number, Tag("W")],
    utilisation: Annotated[Number, Tag("1")],
    knots: Annotated[Number, Tag("1")],
    knots_ratio: Annotated[Number, Tag("1", "it")],
) -> Annotated[Number, Tag("W", "it")]:
    """Power of processors from their thermal design power by a measured curve.

    Args:
        machine_tdp_w: thermal design power of the processors [W], >= 0.
        utilisation: share of their capacity in use [1], 0 to 1.
        knots: utilisations at which the curve was measured [1], rising.
        knots_ratio: power over thermal design power at each of them [1].

    Returns:
        Power of the processors [W].

    >>> float(by_curve_w(100.0, 0.75, np.array([0.0, 0.5, 1.0]), np.array([0.25, 0.5, 1.0])))
    75.0
    """
    return machine_tdp_w * _curve(utilisation, knots, knots_ratio)


@formula("tdp.memory_by_curve", version=1, sources=_TEADS)
def memory_by_curve_w(
    memory_gb: Annotated[Number, Tag("GB")],
    utilisation: Annotated[Number, Tag("1")],
    knots: Annotated[Number, Tag("1")],
    knots_w_per_gb: Annotated[Number, Tag("W/GB", "it")],
) -> Annotated[Number, Tag("W", "it")]:
    """Power of memory by the utilisation of the processors, from a measured curve.

    Args:
        memory_gb: memory of the machine [GB], >= 0.
        utilisation: share of the processors' capacity in use [1], 0 to 1.
        knots: utilisations at which the curve was measured [1], rising.
        knots_w_per_gb: power of a gigabyte at each of them [W/GB].

    Returns:
        Power of the memory [W].

    >>> float(memory_by_curve_w(10.0, 0.75, np.array([0.0, 0.5, 1.0]), np.array([0.25, 0.5, 1.0])))
    7.5
    """
    return memory_gb * _curve(utilisation, knots, knots_w_per_gb)


@formula("tdp.over_reference", version=1, sources=_SDIA)
def over_reference_w(
    machine_tdp_w: Annotated[Number, Tag("W")],
    utilisation: Annotated[Number, Tag("1")],
    processors_ratio: Annotated[Number, Tag("1", "1/it")],
) -> Annotated[Number, Tag("W", "it")]:
    """Power of a server from the thermal design power of its processors, which are a fixed share of the whole.

    Args:
        machine_tdp_w: thermal design power of all processors [W], >= 0.
        utilisation: share of their capacity in use [1], 0 to 1; no power is drawn without any.
        processors_ratio: share of a server's power that its processors draw [1], > 0.

    Returns:
        Power of the server [W].

    >>> over_reference_w(65.0, 0.5, 0.65)
    50.0
    """
    return machine_tdp_w * utilisation / processors_ratio
