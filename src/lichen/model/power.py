# SPDX-License-Identifier: Apache-2.0
"""Electrical power of servers and accelerators at the wall, from what is known of the hardware.

A log-linear model: each property of a server multiplies the power of a reference server by a power of its ratio to the
reference. Coefficients and their common error are factors (pack ``server-power``), fitted on published measurements. Every
function works on floats and on NumPy arrays alike.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np

from lichen.model.registry import Number, formula
from lichen.units import Tag

_LOG_LINEAR = (
    "Log-linear regression on SPECpower_ssj2008 results (spec.org), tools/fit_server_power.py, docs/model/server-power.md",
)
_SHARE = ("ISO 14044:2006 4.3.4.2, allocation by a physical relationship: hardware threads",)


@formula("power.scaled", version=1, sources=_LOG_LINEAR)
def scaled(
    estimate: Annotated[Number, Tag("1")],
    size: Annotated[Number, Tag("1")],
    reference_size: Annotated[Number, Tag("1")],
    size_exponent: Annotated[Number, Tag("1")],
    amd_share: Annotated[Number, Tag("1")],
    amd_ratio: Annotated[Number, Tag("1")],
) -> Annotated[Number, Tag("1")]:
    """A typical property of a server that goes with another one by a power law: threads with thermal design power.

    Args:
        estimate: value at the reference size [1], > 0.
        size: the known property [1], > 0.
        reference_size: its value at which the estimate holds [1], > 0.
        size_exponent: exponent of the power law [1].
        amd_share: 1 for AMD processors, 0 for Intel's, between them when unknown [1].
        amd_ratio: value with AMD processors over that with Intel's [1], > 0.

    Returns:
        The typical value, in the unit of the estimate [1].

    >>> float(scaled(64.0, 400.0, 100.0, 0.5, 1.0, 2.0))
    256.0
    """
    return estimate * raised(size / reference_size, size_exponent) * raised(amd_ratio, amd_share)


@formula("power.by_size", version=1, sources=_LOG_LINEAR)
def by_size_w(
    power_w: Annotated[Number, Tag("W", "it")],
    tdp_w: Annotated[Number, Tag("W")],
    reference_tdp_w: Annotated[Number, Tag("W")],
    tdp_exponent: Annotated[Number, Tag("1")],
    threads: Annotated[Number, Tag("1")],
    reference_threads: Annotated[Number, Tag("1")],
    threads_exponent: Annotated[Number, Tag("1")],
    memory_gb: Annotated[Number, Tag("GB")],
    reference_memory_gb: Annotated[Number, Tag("GB")],
    memory_exponent: Annotated[Number, Tag("1")],
) -> Annotated[Number, Tag("W", "it")]:
    """Power of a server by the size of its processors and of its memory, at one load.

    ``ln P = ln P_ref + a ln(T/T_ref) + b ln(th/th_ref) + c ln(m/m_ref)``. Valid within the fitted servers: one to eight
    processors, 40 to 1100 W of them together, 4 to 448 threads, 4 to 1536 GB.

    Args:
        power_w: power of the reference server [W], > 0.
        tdp_w: thermal design power of all processors together [W], > 0.
        reference_tdp_w: that of the reference server [W], > 0.
        tdp_exponent: elasticity of power to thermal design power [1].
        threads: hardware threads of the server [1], > 0.
        reference_threads: those of the reference server [1], > 0.
        threads_exponent: elasticity of power to threads [1].
        memory_gb: memory of the server [GB], > 0.
        reference_memory_gb: that of the reference server [GB], > 0.
        memory_exponent: elasticity of power to memory [1].

    Returns:
        Power at the wall [W].

    >>> float(by_size_w(100.0, 800.0, 200.0, 0.5, 64.0, 64.0, 0.3, 256.0, 256.0, 0.2))
    200.0
    """
    return (
        power_w
        * raised(tdp_w / reference_tdp_w, tdp_exponent)
        * raised(threads / reference_threads, threads_exponent)
        * raised(memory_gb / reference_memory_gb, memory_exponent)
    )


@formula("power.by_make", version=1, sources=_LOG_LINEAR)
def by_make_w(
    power_w: Annotated[Number, Tag("W", "it")],
    year: Annotated[Number, Tag("1")],
    reference_year: Annotated[Number, Tag("1")],
    yearly_ratio: Annotated[Number, Tag("1")],
    amd_share: Annotated[Number, Tag("1")],
    amd_ratio: Annotated[Number, Tag("1")],
) -> Annotated[Number, Tag("W", "it")]:
    """Corrects a server's power for its year and for the maker of its processors.

    Args:
        power_w: power of a server of that size, of the reference year, with Intel processors [W], > 0.
        year: year in which the server became available [1].
        reference_year: year of the reference server [1].
        yearly_ratio: power of a server over that of its like a year older [1], > 0.
        amd_share: 1 for AMD processors, 0 for Intel's, between them when unknown [1].
        amd_ratio: power with AMD processors over that with Intel's of equal size [1], > 0.

    Returns:
        Power at the wall [W].

    >>> float(by_make_w(100.0, 2021.0, 2019.0, 1.1, 1.0, 0.5)) # doctest: +ELLIPSIS
    60.5...
    """
    return power_w * raised(yearly_ratio, year - reference_year) * raised(amd_ratio, amd_share)


@formula("power.load_curve", version=1, sources=_LOG_LINEAR)
def load_curve(
    load: Annotated[Number, Tag("1")],
    knot_10: Annotated[Number, Tag("1")],
    knot_20: Annotated[Number, Tag("1")],
    knot_30: Annotated[Number, Tag("1")],
    knot_40: Annotated[Number, Tag("1")],
    knot_50: Annotated[Number, Tag("1")],
    knot_60: Annotated[Number, Tag("1")],
    knot_70: Annotated[Number, Tag("1")],
    knot_80: Annotated[Number, Tag("1")],
    knot_90: Annotated[Number, Tag("1")],
) -> Annotated[Number, Tag("1")]:
    """Share of the span between idle and full power that a load draws: straight lines between knots at every tenth.

    Args:
        load: share of the machine's capacity in use [1], 0 to 1.
        knot_10: share drawn at a load of 10 % [1].
        knot_20: at 20 % [1].
        knot_30: at 30 % [1].
        knot_40: at 40 % [1].
        knot_50: at 50 % [1].
        knot_60: at 60 % [1].
        knot_70: at 70 % [1].
        knot_80: at 80 % [1].
        knot_90: at 90 % [1].

    Returns:
        0 at no load, 1 at full load [1].

    >>> round(float(load_curve(0.25, 0.1, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9)), 12)
    0.3
    """
    return polyline(load, (knot_10, knot_20, knot_30, knot_40, knot_50, knot_60, knot_70, knot_80, knot_90))


@formula("power.at_load", version=1, sources=_LOG_LINEAR)
def at_load_w(
    power_idle_w: Annotated[Number, Tag("W", "it")],
    power_max_w: Annotated[Number, Tag("W", "it")],
    curve_share: Annotated[Number, Tag("1")],
) -> Annotated[Number, Tag("W", "it")]:
    """Power of a server at a load, between its idle and its full power.

    Args:
        power_idle_w: power at no load [W], > 0.
        power_max_w: power at full load [W], >= the idle power.
        curve_share: share of the span that the load draws [1], 0 to 1 (`load_curve`).

    Returns:
        Power at the wall [W].

    >>> at_load_w(100.0, 300.0, 0.25)
    150.0
    """
    return power_idle_w + (power_max_w - power_idle_w) * curve_share


@formula("power.at_least", version=1, sources=_LOG_LINEAR)
def at_least_w(
    power_w: Annotated[Number, Tag("W", "it")], floor_w: Annotated[Number, Tag("W", "it")]
) -> Annotated[Number, Tag("W", "it")]:
    """A power that another one bounds from below: full load never draws less than none.

    Idle and full power are fitted apart; far outside the fitted servers (much memory on a small processor) they could cross.

    Args:
        power_w: estimated power [W].
        floor_w: power below which it cannot be [W].

    Returns:
        The larger one [W].

    >>> float(at_least_w(80.0, 100.0))
    100.0
    """
    return larger(power_w, floor_w)


@formula("power.of_threads", version=1, sources=_SHARE)
def of_threads_w(
    power_w: Annotated[Number, Tag("W", "it")],
    own_threads: Annotated[Number, Tag("1")],
    host_threads: Annotated[Number, Tag("1")],
) -> Annotated[Number, Tag("W", "it")]:
    """Power of a host allocated to a virtual machine or a control group by its hardware threads.

    Args:
        power_w: power of the host [W], >= 0.
        own_threads: virtual processors of the guest [1], >= 0.
        host_threads: hardware threads of the host [1], > 0.

    Returns:
        The guest's share, of idle power too [W].

    >>> of_threads_w(200.0, 4.0, 128.0)
    6.25
    """
    return power_w * own_threads / host_threads


@formula(
    "power.marginal",
    version=1,
    sources=(*_LOG_LINEAR, "GHG Protocol for Project Accounting (2005): change against a baseline"),
)
def marginal_w(
    own_load: Annotated[Number, Tag("1")],
    power_span_w: Annotated[Number, Tag("W", "it")],
    marginal_slope: Annotated[Number, Tag("1")],
    own_threads: Annotated[Number, Tag("1")],
    host_threads: Annotated[Number, Tag("1")],
) -> Annotated[Number, Tag("W", "it")]:
    """Power that a guest's load adds to a host which runs, and is loaded by others, anyway.

    Args:
        own_load: share of the guest's own threads in use [1], 0 to 1.
        power_span_w: full power less idle power of the host [W], >= 0.
        marginal_slope: slope of the load curve at a host's typical load [1].
        own_threads: virtual processors of the guest [1], >= 0.
        host_threads: hardware threads of the host [1], > 0.

    Returns:
        The power added [W]; no idle power.

    >>> marginal_w(0.5, 200.0, 0.75, 4.0, 100.0)
    3.0
    """
    return own_load * power_span_w * marginal_slope * own_threads / host_threads


@formula(
    "power.accelerator", version=1, sources=("Cloud Carbon Footprint methodology, linear between idle and full power",)
)
def accelerator_w(
    tdp_w: Annotated[Number, Tag("W", "it")],
    utilisation_share: Annotated[Number, Tag("1")],
    idle_ratio: Annotated[Number, Tag("1")],
    full_ratio: Annotated[Number, Tag("1")],
) -> Annotated[Number, Tag("W", "it")]:
    """Power of a graphics processor or another accelerator card by its utilisation.

    Args:
        tdp_w: thermal design power of the card, or its power limit [W], > 0.
        utilisation_share: share of the time in use [1], 0 to 1.
        idle_ratio: power at rest over thermal design power [1].
        full_ratio: power in continuous use over thermal design power [1].

    Returns:
        Power at the card's supply [W].

    >>> accelerator_w(400.0, 0.5, 0.125, 0.875)
    200.0
    """
    return tdp_w * (idle_ratio + (full_ratio - idle_ratio) * utilisation_share)


def raised(base: Number, exponent: Number) -> Number:
    """``base`` to the power ``exponent``; by NumPy for floats too, so that floats and arrays give the same last digit."""
    result: Number = np.power(base, exponent)
    return result


def larger(some: Number, other: Number) -> Number:
    """The larger of two values; unknown when one is."""
    result: Number = np.maximum(some, other)
    return result


def polyline(position: Number, inner_knots: Sequence[Number]) -> Number:
    """Straight lines through 0 at 0, evenly spaced inner knots, and 1 at 1.

    Args:
        position: 0 to 1; what lies outside is taken as the nearest end.
        inner_knots: values between the two ends, at even distances.

    >>> float(polyline(0.75, (0.2,)))
    0.6
    """
    knots: tuple[Any, ...] = (0.0, *inner_knots, 1.0)
    reached = position * (len(knots) - 1)
    total: Number = sum(
        (after - before) * np.minimum(np.maximum(reached - index, 0.0), 1.0)
        for index, (before, after) in enumerate(itertools.pairwise(knots))
    )
    return total
